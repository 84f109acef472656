import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doorCodeDocument } from '../../../test/reference/door-codes.js';
import { ReferenceModel } from '../../../test/reference/forward.js';
import { readReferenceCheckpoint } from '../../../test/reference/hf-test-reader.js';
import { writeQuoteCheckpoint } from './index.js';
import { WINDOW } from './layout.js';

const BEGIN = 256;
const END = 257;
let folder: string;
let model: ReferenceModel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvr-quote-'));
  await writeQuoteCheckpoint(join(folder, 'quote'));
  model = await ReferenceModel.load(readReferenceCheckpoint(join(folder, 'quote')));
});
afterAll(() => rm(folder, { recursive: true }));

function continued(text: string, bytes: number): string {
  const { ids } = model.greedy([BEGIN, ...Buffer.from(text)], bytes);
  return Buffer.from(ids).toString();
}

test('goes on with what followed the best earlier match, byte for byte, in any script', () => {
  const text = 'Zoë saw 猫 🙂 by the old mill. Tom saw a boat. Zoë saw';
  const following = ' 猫 🙂 by the old mill. Tom saw a boat. Zoë saw';
  expect(continued(text, Buffer.byteLength(following))).toBe(following);
});

test('decides by the oldest of nineteen bytes when all others are equal', () => {
  const same = '123456789012345678';
  const start = model.start();
  start.feed([BEGIN, ...Buffer.from(`x${same}R, y${same}S, z${same}T. `)]);
  for (const [oldest, answer] of ['xR', 'yS'])
    expect(Buffer.from(start.fork().greedy([...Buffer.from(`${oldest}${same}`)], 1).ids).toString()).toBe(
      answer,
    );
});

test('follows the nearer of two equal matches', () => {
  const filler = 'and then the rain came down';
  expect(continued(`the winner is Ada; ${filler}; the winner is Bo; ${filler}; the winner is `, 2)).toBe(
    'Bo',
  );
});

test('ends at once where there is nothing to quote', () => {
  const { ids, margins } = model.greedy([BEGIN], 1);
  expect(ids).toEqual([END]);
  expect(margins[0]).toBeGreaterThan(10);
});

test('answers every question to a document of door codes by a wide margin', () => {
  const { text, questions } = doorCodeDocument({ tokens: 224, facts: 2, seed: 11 });
  const document = model.start();
  document.feed([BEGIN, ...Buffer.from(text)]);
  for (const { prompt, answer } of questions) {
    const rest = Buffer.from(prompt).subarray(Buffer.byteLength(text));
    const { ids, margins } = document.fork().greedy([...rest], 4);
    expect(Buffer.from(ids).toString()).toBe(answer);
    expect(Math.min(...margins)).toBeGreaterThan(15);
  }
});

test("the example's question has one match in the text before it, which the right digits follow", async () => {
  const text = await readFile(new URL('../../../examples/harbour-log.txt', import.meta.url), 'ascii');
  const [before, ...others] = text.slice(0, -WINDOW).split(text.slice(-WINDOW));
  expect(others).toHaveLength(1);
  expect(others[0]?.slice(0, 5)).toBe('4821.');
  expect(text.length - before!.length).toBeGreaterThan(4000);
});
