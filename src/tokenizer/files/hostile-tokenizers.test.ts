/**
 * Tokenizer files spoiled at every place, one value at a time: each is refused in one line that names the file, or gives a
 * tokenizer that encodes and decodes. Never another error.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer.js';
import { byteLevelJson, folderWith, llamaJson } from './tiny-tokenizers.fixture.js';

const SPOILT: readonly unknown[] = ['', '(', null, -1, 2 ** 53, [[]], { type: 'x' }];
const CODES = ['BAD_CHECKPOINT', 'UNSUPPORTED_MODEL'];
const MAX_MESSAGE_CHARS = 500;
/** Of a list or an object that is long, its first entries stand for all. */
const ENTRIES = 2;

let folder = '';
beforeAll(async () => {
  folder = await folderWith({});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Copies of `json`, each with one value replaced. */
function* spoilt(json: unknown): Generator<unknown> {
  yield* SPOILT;
  if (typeof json !== 'object' || json === null) return;
  for (const [key, value] of Object.entries(json).slice(0, Array.isArray(json) ? ENTRIES : undefined).slice(0, 40))
    for (const change of spoilt(value)) yield replaced(json, key, change);
} // prettier-ignore

function replaced(json: object, key: string, value: unknown): unknown {
  if (!Array.isArray(json)) return { ...json, [key]: value };
  return (json as unknown[]).map((each, index) => (String(index) === key ? value : each));
}

/** Of a vocabulary or list of merges a few entries are enough to spoil. */
function small(json: Record<string, unknown>): Record<string, unknown> {
  const model = json['model'] as { vocab: Record<string, number>; merges: unknown[] };
  const vocab = Object.fromEntries(Object.entries(model.vocab).slice(-ENTRIES));
  return { ...json, model: { ...model, vocab, merges: [] } };
}

async function refusalOf(file: string, json: unknown): Promise<KvrError | undefined> {
  writeFileSync(join(folder, file), JSON.stringify(json));
  try {
    useIt(await loadTokenizer(folder));
    return undefined;
  } catch (error) {
    if (!(error instanceof KvrError))
      throw new Error(`${file} ${JSON.stringify(json).slice(0, 2000)}: ${String(error)}`, { cause: error });
    expect(CODES).toContain(error.code);
    expect(error.message).toContain(file);
    expect(error.message).not.toContain('\n');
    expect(error.message.length).toBeLessThan(MAX_MESSAGE_CHARS);
    return error;
  }
}

/** A text that such a tokenizer has no tokens for is refused as any other such text. */
function useIt(tokenizer: Tokenizer): void {
  try {
    tokenizer.decode(tokenizer.encode('the cat\n'));
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_INPUT' });
  }
}

const KINDS = { 'byte-level': byteLevelJson, 'with byte fallback': llamaJson };

test.each(Object.entries(KINDS))('tokenizer.json, %s', async (_, make) => {
  let refused = 0;
  for (const json of spoilt(small(make()))) refused += (await refusalOf('tokenizer.json', json)) ? 1 : 0;
  expect(refused).toBeGreaterThan(50);
});

test.each(['tokenizer_config.json', 'special_tokens_map.json'])('%s', async (file) => {
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(byteLevelJson()));
  const names = { bos_token: '<bos>', eos_token: { content: '<eot>' }, unk_token: null };
  const config = { ...names, tokenizer_class: 'X', add_bos_token: true, chat_template: [{ name: 'default', template: 'x' }] };
  let refused = 0;
  for (const json of spoilt(file === 'tokenizer_config.json' ? config : names))
    refused += (await refusalOf(file, json)) ? 1 : 0;
  expect(refused).toBeGreaterThan(3);
  rmSync(join(folder, file));
}); // prettier-ignore
