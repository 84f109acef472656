/**
 * Two small tokenizer.json files for tests, one of each kind in use, a seeded source of randomness, and a way to
 * put files into a folder. Only tests import this.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Merge = [string, string];

/** Pieces from which tests build texts: scripts, emoji with joiners, combining marks, odd spaces, invalid bytes. */
export const SAMPLES = [
  'the cat',
  ' ',
  '  ',
  'hé',
  '日本',
  '👩‍👩‍👧',
  'e\u0301\u0323',
  '🇫🇷',
  '\n',
  'a',
  '▁',
  '\u00a0',
  'نص',
  '\0',
];

/** Llama-2 style: "▁" for spaces, <0xNN> for what the vocabulary lacks, BOS by the post-processor. */
export function llamaJson(): Record<string, unknown> {
  const words = ['▁', 't', 'h', 'e', 'c', 'a', '日', '▁t', 'he', '▁the', '▁▁', '▁c', 'at', '▁cat'];
  const merges: Merge[] = [['▁', 't'], ['h', 'e'], ['▁t', 'he'], ['▁', '▁'], ['▁', 'c'], ['a', 't'], ['▁c', 'at']]; // prettier-ignore
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, ...words];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  return {
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => added(id, content, true)),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: bosFirst('<s>', 1),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: { type: 'BPE', unk_token: '<unk>', fuse_unk: true, byte_fallback: true, vocab, merges },
  };
}

/** GPT-2 and Llama-3 style: every byte a visible character; <bos> 300, <tool> 301 (no special token), <eot> 302. */
export function byteLevelJson(): Record<string, unknown> {
  const merges: Merge[] = [['h', 'e'], ['Ġ', 'c'], ['a', 't'], ['Ġc', 'at'], ['ð', 'Ł'], ['æ', 'Ĺ'], ['ĠĠ', 'Ġ'], ['Ġ', 'Ġ']]; // prettier-ignore
  const tokens = [...visibleBytes(), ...merges.map((merge) => merge.join(''))];
  return {
    added_tokens: [added(300, '<bos>', true), added(301, '<tool>', false), added(302, '<eot>', true)],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: { type: 'ByteLevel' },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  };
}

/** A new folder with the given files; values that are no strings are written as JSON. */
export async function folderWith(files: Record<string, unknown>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kvr-tokenizer-'));
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  }
  return folder;
}

/** Whole numbers in [0, below), the same for the same seed (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A text of up to `most` samples. */
export function randomText(random: (below: number) => number, most: number): string {
  return Array.from({ length: random(most + 1) }, () => SAMPLES[random(SAMPLES.length)]).join('');
}

function added(id: number, content: string, special: boolean): Record<string, unknown> {
  return { id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false };
}

function bosFirst(token: string, id: number): Record<string, unknown> {
  const single = [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
  return { type: 'TemplateProcessing', single, pair: [], special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } } }; // prettier-ignore
}

/** The characters that stand for bytes 0 to 255: printable Latin-1 for itself, the rest from U+0100 on. */
function visibleBytes(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : next++);
  });
}
