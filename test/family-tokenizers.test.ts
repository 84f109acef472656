/**
 * Tokenizers and chat templates of small checkpoints of many families, with ids and texts of an independent implementation.
 * The checkpoints are not part of the repository: without them nothing runs here but the unit tests beside the code.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../src/tokenizer/index.js';
import type { ChatMessage } from '../src/tokenizer/index.js';
import { ChatTemplates } from '../src/tokenizer/chat-template.js';
import { readTokenizerFiles } from '../src/tokenizer/files/tokenizer-files.js';

const FAMILIES = fileURLToPath(new URL('../../shared/models/families', import.meta.url));

type Reference = {
  readonly tokenizer?: readonly { readonly text: string; readonly ids: number[]; readonly decoded: string }[];
  readonly chat?: { readonly messages: ChatMessage[]; readonly text: string; readonly ids: number[] };
};

const here = existsSync(FAMILIES) ? readdirSync(FAMILIES) : [];
const names = here.filter((name) => existsSync(join(FAMILIES, name, 'tokenizer.json')));

test.skipIf(names.length === 0)('reference tokenizers of families are there', () => {
  expect(names.length).toBeGreaterThan(10);
});

for (const name of names) {
  const folder = join(FAMILIES, name);
  const reference = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as Reference;
  const loading = loadTokenizer(folder);

  describe(name, () => {
    test.each(reference.tokenizer ?? [])('%j', async ({ text, ids, decoded }) => {
      const tokenizer = await loading;
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
      const stream = tokenizer.stream();
      expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(decoded);
    });

    test.skipIf(reference.chat === undefined)('messages', async () => {
      const { messages, text, ids } = reference.chat!;
      expect((await loading).applyChat(messages)).toEqual(ids);
      const { templates, names } = await readTokenizerFiles(folder);
      expect(new ChatTemplates(templates, names).render(messages)).toBe(text);
    });
  });
}
