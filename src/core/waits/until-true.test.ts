import { expect, test } from 'vitest';
import { KvrError } from '../errors.js';
import { untilTrue } from './until-true.js';

function changes() {
  const looks = new Set<() => void>();
  return {
    looks,
    tell: () => looks.forEach((look) => look()),
    onChange: (look: () => void) => {
      looks.add(look);
      return () => void looks.delete(look);
    },
  };
}

test('a wait ends when it is true, or by its signal, and is told of nothing more', async () => {
  const { looks, tell, onChange } = changes();
  let isTrue = false;
  const wait = untilTrue(() => isTrue, onChange, new AbortController().signal);
  tell();
  expect(looks.size).toBe(1);
  isTrue = true;
  tell();
  await wait;
  const control = new AbortController();
  const ended = untilTrue(() => false, onChange, control.signal);
  control.abort();
  await ended;
  expect(looks.size).toBe(0);
});

test('a condition that throws ends the wait, and not what told of the change', async () => {
  const { looks, tell, onChange } = changes();
  const control = new AbortController();
  let isGone = false;
  const condition = (): boolean => {
    if (isGone) throw new KvrError('BAD_INPUT', 'there is no worker a');
    return false;
  };
  const wait = untilTrue(condition, onChange, control.signal);
  isGone = true;
  expect(tell).not.toThrow();
  await expect(wait).rejects.toThrow('there is no worker a');
  expect(looks.size).toBe(0);
});
