/**
 * Flags that benchmarks share, and kinds of them: how their text becomes a value. Every one has a default, which --help shows.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { choiceFlag, numberFlag } from '../../src/cli/flags/index.js';
import { parseList } from '../../src/cli/terminal/lists.js';
import { parseNumber, shown } from '../../src/cli/terminal/numbers.js';
import { MAX_LOCAL_WORKERS } from '../../src/cluster/worker-source.js';
import { KvrError } from '../../src/core/errors.js';
import { parseTokens } from '../../src/core/quantities.js';
import { type Dtype, DTYPES } from '../../src/core/shape.js';

const workersSchema = z.number().int().min(1).max(MAX_LOCAL_WORKERS);
const threadsSchema = z.number().int().min(1).max(256);
const repeatsSchema = z.number().int().min(1).max(1000);
const seedSchema = z.number().int().min(0).max(0xffff_ffff);
const countSchema = z.number().int().min(1).max(1_000_000);

export function modelFlag(model: string): Option {
  return new Option(
    '-m, --model <MODEL>',
    'a HuggingFace folder, or "synthetic:NAME,layers=N" for random weights',
  ).default(model);
}

export function dtypeFlag(dtype: Dtype): Option {
  return choiceFlag('--dtype <TYPE>', 'element type of the weights', DTYPES).default(dtype);
}

export function dtypesFlag(dtypes: readonly Dtype[]): Option {
  return listFlag('--dtype <LIST>', `element types of the weights (${DTYPES.join(',')})`, dtypes, parseDtype);
}

export function contextFlag(tokens: number): Option {
  return new Option('-c, --context <TOKENS>', 'tokens of the prompt, as in 512 or 2k')
    .argParser((text) => parseTokens('--context', text))
    .default(tokens);
}

export function contextsFlag(tokens: readonly number[]): Option {
  return listFlag('-c, --context <LIST>', 'tokens of the prompts, as in 512,2k', tokens, parseTokens);
}

export function workersFlag(workers: number): Option {
  return numberFlag('-w, --workers <N>', 'worker processes', workersSchema).default(workers);
}

export function workerCountsFlag(workers: readonly number[]): Option {
  return listFlag('-w, --workers <LIST>', 'numbers of worker processes', workers, (flag, text) =>
    parseNumber(flag, text, workersSchema),
  );
}

export function threadsFlag(threads: number): Option {
  return numberFlag('-t, --threads <N>', 'threads of each worker', threadsSchema).default(threads);
}

export function repeatsFlag(repeats: number, spec = '--repeats <N>'): Option {
  return numberFlag(spec, 'rounds that are kept; one before them warms up', repeatsSchema).default(repeats);
}

export function seedFlag(): Option {
  return numberFlag('--seed <N>', "of the prompts' token ids", seedSchema).default(0);
}

export function cacheDirFlag(): Option {
  return new Option('--cache-dir <DIR>', "where compiled models are kept; kvr's cache folder unless given");
}

/** A count of something that only one benchmark has. */
export function countFlag(spec: string, text: string, count: number): Option {
  return numberFlag(spec, text, countSchema).default(count);
}

/** Values between commas, each once. @param shownValues the default as --help has it */
export function listFlag<T>(
  spec: string,
  text: string,
  values: readonly T[],
  parse: (flag: string, text: string) => T,
  shownValues = values.join(),
): Option {
  const option = new Option(spec, text).default(values, shownValues);
  return option.argParser((value) => parseList(`--${option.name()}`, value, parse));
}

function parseDtype(flag: string, text: string): Dtype {
  return parseWord(flag, text, DTYPES);
}

/** @throws BAD_INPUT */
export function parseWord<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new KvrError('BAD_INPUT', `${flag} ${shown(text)} is unknown; give some of ${choices.join(',')}`);
}
