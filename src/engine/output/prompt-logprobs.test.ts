import { expect, test } from 'vitest';
import type { RequestSpec } from '../../core/request.js';
import type { ChainEvent } from '../chain/chain-events.js';
import { afterPromptLogprobs } from './prompt-logprobs.js';

const told = (position: number, ...values: readonly number[]): ChainEvent => ({
  type: 'promptLogprobs',
  position,
  logprobs: values.map((logprob) => ({ logprob, top: [] })),
});
const TOKEN: ChainEvent = { type: 'token', id: 7 };
const PROGRESS: ChainEvent = { type: 'progress', rank: 0, layer: 1 };
const END: ChainEvent = { type: 'finished', reason: 'length' };

async function heard(events: readonly ChainEvent[], isAsked = true): Promise<unknown[]> {
  async function* chain(): AsyncGenerator<ChainEvent> {
    await Promise.resolve();
    yield* events;
  }
  const request = {
    spec: (isAsked ? { promptLogprobs: 0 } : {}) as RequestSpec,
    ids: Int32Array.of(1, 2, 3, 4),
  };
  const all: unknown[] = [];
  for await (const event of afterPromptLogprobs(chain(), request))
    all.push(event.type === 'promptLogprobs' ? event.logprobs.map((one) => one?.logprob) : event.type);
  return all;
}

test('all of a prompt comes in one, whatever order its parts come in, and before anything of the answer', async () => {
  const whole = [undefined, -1, -2, -3];
  expect(await heard([told(1, -1), PROGRESS, told(2, -2, -3), TOKEN, END])).toEqual([
    'progress',
    whole,
    'token',
    'finished',
  ]);
  expect(await heard([told(3, -3), TOKEN, PROGRESS, told(1, -1, -2), END])).toEqual([
    'progress',
    whole,
    'token',
    'finished',
  ]);
  expect(await heard([TOKEN, END, told(1, -1, -2, -3)])).toEqual([whole, 'token', 'finished']);
});

test('where it was not asked for, nothing is held back', async () => {
  expect(await heard([TOKEN, END], false)).toEqual(['token', 'finished']);
});

test.each([
  ['is missing', [told(1, -1), TOKEN, END]],
  ['comes twice', [told(1, -1), told(1, -1), END]],
  ['lies outside the prompt', [told(3, -3, -4), END]],
  ['is about the first token', [told(0, -1), TOKEN, END]],
])('a part that %s is an error of the workers', async (_, events) => {
  await expect(heard(events)).rejects.toMatchObject({ code: 'PROTOCOL' });
});
