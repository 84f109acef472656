/** The flags of the program, checked before anything is installed or loaded. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { numberFlag } from '../../src/cli/flags/index.js';
import { parseNumber } from '../../src/cli/terminal/numbers.js';
import { KvrError } from '../../src/core/errors.js';
import { type Dtype, DTYPES } from '../../src/core/shape.js';
import { cacheFolder } from '../../src/model/cache/index.js';

export type Flags = {
  readonly model: string;
  readonly dtype: Dtype[];
  readonly context: number[];
  readonly decodeAfter: number[];
  readonly repeats: number;
  readonly cores: number;
  readonly dir: string;
  readonly json?: true;
};

const NEW_TOKENS_MOST = 64;
const contextSchema = z
  .number()
  .int()
  .min(1)
  .max(131_072 - NEW_TOKENS_MOST);
const repeatsSchema = z.number().int().min(1).max(100);
const coresSchema = z.number().int().min(1).max(256);

export function parseFlags(argv: readonly string[]): Flags {
  const program = new Command('bench:peers')
    .description(
      'This program beside llama.cpp: random weights of one shape, the same cores, runs in turn, medians.',
    )
    .addOption(
      new Option('-m, --model <MODEL>', 'synthetic:NAME,… of a llama shape').default(
        'synthetic:tinyllama-1.1b,layers=8,vocab=4096',
      ),
    )
    .addOption(
      new Option('--dtype <LIST>', `one or more of ${DTYPES.join(', ')}`)
        .argParser(parseDtypes)
        .default(['q8'], 'q8'),
    )
    .addOption(listFlag('--context <LIST>', 'tokens of the prompts', [512, 2048]))
    .addOption(
      listFlag('--decode-after <LIST>', 'tokens of context that decoding is timed after', [128, 4096]),
    )
    .addOption(numberFlag('--repeats <N>', 'rounds', repeatsSchema).default(3))
    .addOption(numberFlag('--cores <N>', 'cores that both use', coresSchema).default(availableParallelism()))
    .addOption(
      new Option('--dir <DIR>', 'folder for the peer and its weights').default(
        join(cacheFolder(), 'peers'),
        'peers in the cache folder',
      ),
    )
    .addOption(new Option('--json', 'print one JSON document'))
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' });
  return program.opts<Flags>();
}

function parseDtypes(text: string): Dtype[] {
  return text.split(',').map((name) => {
    const found = DTYPES.find((dtype) => dtype === name);
    if (found) return found;
    throw new KvrError('BAD_INPUT', `--dtype ${name} is unknown; give one or more of ${DTYPES.join(', ')}`);
  });
}

function listFlag(spec: string, text: string, otherwise: number[]): Option {
  const option = new Option(spec, `${text}, with commas; 0 for none`).default(otherwise, otherwise.join());
  return option.argParser((value) =>
    value === '0'
      ? []
      : value.split(',').map((each) => parseNumber(spec.split(' ')[0] as string, each, contextSchema)),
  );
}
