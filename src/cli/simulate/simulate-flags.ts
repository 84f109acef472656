/**
 * The flags of `kvr simulate`: which strategies, on which described cluster. Every value is checked here.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { MAX_RANKS } from '../../core/partition.js';
import { type NoiseProfile, PAPER_SHAPES, type Policy } from '../../simulate/index.js';
import { choiceFlag, numberFlag, type OutputFlags, outputFlags } from '../flags/index.js';
import { parseList } from '../terminal/lists.js';
import { describeBounds, parseNumber, shown } from '../terminal/numbers.js';
import { parseDuration, parseRate, parseTokens } from '../../core/quantities.js';
import { SIMULATED_ROWS, type SimulatedRow } from './simulate-rows.js';

export type SimulateFlags = OutputFlags & ClusterFlags;

/** The cluster and what runs on it. `kvr simulate paper` takes none of these. */
type ClusterFlags = {
  readonly model?: string;
  readonly strategies?: SimulatedRow[];
  readonly profile?: 'gpu' | 'cpu';
  readonly workers?: number[];
  readonly context?: number[];
  /** Bytes a second. */
  readonly link?: number;
  /** Milliseconds. */
  readonly latency?: number;
  readonly noise?: NoiseProfile;
  readonly relay?: Policy['relay'];
  readonly policy?: 'ours' | 'paper';
  readonly chunkTokens?: number;
};

const workersSchema = z.number().int().min(1).max(MAX_RANKS);
const chunkSchema = z.number().int().min(16).max(1_048_576);
const shareSchema = z.number().min(0).max(1);
const slowdownSchema = z.number().min(1).max(1000);
const seedSchema = z.number().int().min(0).max(0xffff_ffff);
const NOISE_HELP =
  'give share=S,slowdown=F and, for another draw, seed=N, as in share=0.3,slowdown=1.4: a link is F times slower for a share S of the layers';

export const simulateFlags = (): Option[] => [
  new Option(
    '-m, --model <MODEL>',
    `a shape: ${[...PAPER_SHAPES.keys()].join(', ')}, or "synthetic:NAME,layers=N"; llama-7b unless given`,
  ),
  new Option(
    '--strategies <LIST>',
    `what to set side by side (${SIMULATED_ROWS.join(',')}); all unless given`,
  ).argParser(parseRows),
  choiceFlag(
    '--profile <NAME>',
    'each worker: one A100 with 16-bit weights, or one core with 32-bit ones; gpu unless given',
    ['gpu', 'cpu'],
  ),
  new Option(
    '-w, --workers <LIST>',
    `numbers of workers (each ${describeBounds(workersSchema)}), as in 2,4,8; 8 unless given`,
  ).argParser((text) => parseList('--workers', text, (flag, each) => parseNumber(flag, each, workersSchema))),
  new Option('-c, --context <LIST>', 'tokens of the prompts, as in 4k,16k or 1M; 16k unless given').argParser(
    (text) => parseList('--context', text, parseTokens),
  ),
  new Option(
    '--link <SPEED>',
    'of every link: 10Gbit, 300GB/s, …; 300GB/s for gpu and 10Gbit for cpu unless given',
  ).argParser((text) => parseRate('--link', text)),
  new Option('--latency <TIME>', 'of every link; 20us for gpu and 50us for cpu unless given').argParser(
    (text) => parseDuration('--latency', text),
  ),
  new Option(
    '--noise <NOISE>',
    'traffic of others, as in share=0.3,slowdown=1.4,seed=1: a link is 1.4 times slower for 30 % of the layers; none unless given',
  ).argParser(parseNoise),
  choiceFlag(
    '--policy <NAME>',
    'ours skips the masked half and prunes the last layer, paper does neither and its relays wait for the whole prefix; ours unless given',
    ['ours', 'paper'],
  ),
  choiceFlag(
    '--relay <KIND>',
    "whether a rank forwards what it receives at once or when it has all; the policy's unless given",
    ['cut-through', 'store-and-forward'],
  ),
  numberFlag(
    '--chunk-tokens <N>',
    'rows that go through a layer at once; a whole slice unless given',
    chunkSchema,
  ),
  ...outputFlags(),
];

/** @throws BAD_INPUT */
function parseRows(text: string): SimulatedRow[] {
  const given = parseList('--strategies', text, (flag, name) => {
    const found = SIMULATED_ROWS.find((each) => each === name);
    if (found !== undefined) return found;
    throw bad(`${flag} ${shown(name)} is unknown; give some of ${SIMULATED_ROWS.join(',')}`);
  });
  return SIMULATED_ROWS.filter((row) => given.includes(row));
}

/** @throws BAD_INPUT */
export function parseNoise(text: string): NoiseProfile {
  const given = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name, value] = /^(share|slowdown|seed)=(.*)$/.exec(part) ?? [];
    if (name === undefined || value === undefined || given.has(name))
      throw bad(`--noise ${shown(text)} is not understood; ${NOISE_HELP}`);
    given.set(name, value);
  }
  const [share, slowdown] = [given.get('share'), given.get('slowdown')];
  if (share === undefined || slowdown === undefined)
    throw bad(`--noise ${shown(text)} lacks ${share === undefined ? 'share' : 'slowdown'}; ${NOISE_HELP}`);
  return {
    share: parseNumber('--noise share', share, shareSchema),
    slowdown: parseNumber('--noise slowdown', slowdown, slowdownSchema),
    seed: parseNumber('--noise seed', given.get('seed') ?? '1', seedSchema),
  };
}

const OUTPUT_NAMES: readonly string[] = outputFlags().map((option) => option.attributeName());

/** The paper's cases are fixed: a flag that would change nothing is refused. @throws BAD_INPUT */
export function checkPaperFlags(flags: SimulateFlags): void {
  const given = Object.keys(flags).find((name) => !OUTPUT_NAMES.includes(name));
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw bad(`--${flag} is not for kvr simulate paper, whose cases are fixed; leave it or "paper" out`);
}

function bad(message: string): KvrError {
  return new KvrError('BAD_INPUT', message);
}
