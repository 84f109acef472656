import { expect, test } from 'vitest';
import { KvrError } from '../../../core/errors.js';
import { QUIET_MS, Refusals } from './refusals.js';

const STRANGER = { role: 'unknown', host: '10.0.0.5' } as const;
const refusal = (kind: string): KvrError => new KvrError('LINK', `why ${kind}\nand more`, { refusal: kind });

test('of many refusals for one reason one is told, with the count, and another a minute later', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const refusals = new Refusals(
    (line) => lines.push(line),
    () => nowMs,
  );
  for (let caller = 0; caller < 1000; caller++) refusals.note(STRANGER, refusal('handshake'));
  expect(lines).toEqual([
    'kvr worker: refused a caller from 10.0.0.5: why handshake (handshake: 1 since the start)\n',
  ]);
  nowMs = QUIET_MS;
  refusals.note(STRANGER, refusal('handshake'));
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('1001 since the start');
  expect(refusals.counts).toEqual({ handshake: 1001 });
});

test('every reason has a count of its own; what is none of them is a hello that did not come', () => {
  const refusals = new Refusals(() => undefined);
  for (const kind of ['handshake', 'name', 'whatever']) refusals.note(STRANGER, refusal(kind));
  expect(refusals.counts).toEqual({ handshake: 1, name: 1, hello: 1 });
});

test('who got in, who left by himself and who came over a unix socket is not counted', () => {
  const refusals = new Refusals(() => expect.unreachable());
  refusals.note({ role: 'engine', host: '10.0.0.5' }, refusal('handshake'));
  refusals.note(STRANGER, undefined);
  refusals.note({ role: 'unknown', host: undefined }, refusal('handshake'));
  expect(refusals.counts).toEqual({});
});
