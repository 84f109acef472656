import { expect, test } from 'vitest';
import { MAX_CARD_BYTES, readCard, type WorkerCard } from './worker-card.js';

const CARD: WorkerCard = {
  ...{ process: '00000000-0000-4000-8000-000000000001', name: 'w1', state: 'working', address: 'b:7001' },
  model: { name: 'quote', digest: 'ab12', dtype: 'f32', chunkTokens: 512 },
  threads: 2,
};
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test('a card is read, also one of a later version that says more', () => {
  expect(readCard(bytesOf(CARD))).toEqual(CARD);
  expect(readCard(bytesOf({ ...CARD, more: 1 }))).toEqual(CARD);
});

test.each([
  ['no JSON', new Uint8Array([0xff, 0, 1])],
  ['no object', bytesOf([1])],
  ['a name that is none', bytesOf({ ...CARD, name: '../x\n' })],
  ['a path for an address', bytesOf({ ...CARD, address: 'unix:/run/x' })],
  ['no port', bytesOf({ ...CARD, address: 'b:0' })],
  ['an address without end', bytesOf({ ...CARD, address: `${'b'.repeat(300)}:1` })],
  ['a state that is none', bytesOf({ ...CARD, state: 'dead' })],
  ['a process that is none', bytesOf({ ...CARD, process: 'x' })],
  ['threads that nobody has', bytesOf({ ...CARD, threads: 1e9 })],
  ['a model that is none', bytesOf({ ...CARD, model: 'quote' })],
  ['more than a card', bytesOf({ ...CARD, more: 'x'.repeat(MAX_CARD_BYTES) })],
])('%s is no card', (_, bytes) => {
  expect(readCard(bytes)).toBeUndefined();
});
