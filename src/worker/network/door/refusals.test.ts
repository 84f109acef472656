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
  expect(lines).toEqual(['refused a caller from 10.0.0.5: why handshake (handshake: 1 since the start)']);
  nowMs = QUIET_MS;
  refusals.note(STRANGER, refusal('handshake'));
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('1001 since the start');
});

test('every reason has a count of its own; what is none of them is a hello that did not come', () => {
  const lines: string[] = [];
  const refusals = new Refusals((line) => lines.push(line));
  for (const kind of ['handshake', 'name', 'whatever']) refusals.note(STRANGER, refusal(kind));
  const counts = lines.map((line) => /\((\w+: \d+) since the start\)/.exec(line)?.[1]);
  expect(counts).toEqual(['handshake: 1', 'name: 1', 'hello: 1']);
  expect(Object.fromEntries(refusals.counts)).toEqual({ handshake: 1, name: 1, hello: 1 });
});

test('who got in, who left by himself and who came over a unix socket is not counted', () => {
  const lines: string[] = [];
  const refusals = new Refusals((line) => lines.push(line));
  refusals.note({ role: 'engine', host: '10.0.0.5' }, refusal('handshake'));
  refusals.note(STRANGER, undefined);
  refusals.note({ role: 'unknown', host: undefined }, refusal('handshake'));
  expect(lines).toEqual([]);
});
