/** The flags of `peers`. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Option } from 'commander';
import { z } from 'zod';
import { numberFlag } from '../../src/cli/flags/index.js';
import { parseList } from '../../src/cli/terminal/lists.js';
import { KvrError } from '../../src/core/errors.js';
import { parseTokens } from '../../src/core/quantities.js';
import type { Dtype } from '../../src/core/shape.js';
import { cacheFolder } from '../../src/model/cache/index.js';
import { dtypesFlag, modelFlag, repeatsFlag, seedFlag } from '../runner/flags.js';

export type Flags = {
  readonly model: string;
  readonly dtype: readonly Dtype[];
  readonly context: readonly number[];
  readonly decodeAfter: readonly number[];
  readonly repeats: number;
  readonly seed: number;
  readonly cores: number;
  readonly dir: string;
};

/** More than decoding is timed over. */
const ROOM_TOKENS = 64;
const MOST_TOKENS = 131_072 - ROOM_TOKENS;
const coresSchema = z.number().int().min(1).max(256);

export const peersFlags = (): Option[] => [
  modelFlag('synthetic:tinyllama-1.1b,layers=8,vocab=4096'),
  dtypesFlag(['q8']),
  lengthsFlag('-c, --context <LIST>', 'tokens of the prompts', [512, 2048]),
  lengthsFlag('--decode-after <LIST>', 'tokens of context that decoding is timed after', [128, 4096]),
  repeatsFlag(3),
  seedFlag(),
  numberFlag('--cores <N>', 'cores that both sides use', coresSchema).default(availableParallelism()),
  new Option('--dir <DIR>', 'folder for the peer and its weights').default(
    join(cacheFolder(), 'peers'),
    'peers in the cache folder',
  ),
];

function lengthsFlag(spec: string, text: string, lengths: readonly number[]): Option {
  const option = new Option(spec, `${text}, as in 512,2k; 0 for none`).default(lengths, lengths.join());
  const parse = (value: string): number[] =>
    value === '0' ? [] : parseList(`--${option.name()}`, value, parseLength);
  return option.argParser(parse);
}

function parseLength(flag: string, text: string): number {
  const tokens = parseTokens(flag, text);
  if (tokens <= MOST_TOKENS) return tokens;
  throw new KvrError(
    'BAD_INPUT',
    `${flag} ${tokens} is more than the peer takes; give at most ${MOST_TOKENS}`,
  );
}
