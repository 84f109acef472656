/**
 * Both sides' runs in turn, round after round, so that a machine that gets slower does so for both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../../src/index.js';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import { type MedianRange, medianRange } from '../../src/core/statistics.js';
import { runInTurn } from '../runner/rounds.js';
import type { Llama } from './llama.js';

/** Tokens that decoding is timed over, the first not counted. */
export const DECODE_TOKENS = 48;
/** Threads of the side that ran last spin a while before they sleep. */
const SETTLE_MS = 300;

export type Side = {
  readonly name: string;
  readonly dtype: string;
  readonly workers: number;
  readonly threads: number;
  readonly program: Engine | Llama;
};

type Timing = { readonly ttftMs: number; readonly tokensPerS: number | null };

export type Cell = Omit<Side, 'program'> & {
  readonly kind: 'prefill' | 'decode';
  readonly label: 'measured';
  readonly contextTokens: number;
  readonly ttftMs: MedianRange;
  /** Of the prompt for 'prefill', of the tokens after the first for 'decode'. */
  readonly tokensPerS: MedianRange;
};

export type Question = { readonly kind: Cell['kind']; readonly contextTokens: number };

type Settings = {
  readonly repeats: number;
  readonly seed: number;
  readonly vocabulary: number;
  readonly note: (text: string) => void;
};

export async function runQuestion(
  sides: readonly Side[],
  question: Question,
  { repeats, seed, vocabulary, note }: Settings,
): Promise<Cell[]> {
  const { kind, contextTokens } = question;
  const timings = await runInTurn(sides, repeats, async (side, round) => {
    note(`${kind} ${contextTokens}, round ${round} of ${repeats}, ${side.name} ${side.dtype}`);
    const timing = await timeRun(side, question, benchPrompt(contextTokens, vocabulary, seed + round));
    await sleep(SETTLE_MS);
    return timing;
  });
  const cells = sides.map((side, at) => cellOf(side, question, timings[at] ?? []));
  for (const cell of cells) note(line(cell));
  return cells;
}

async function timeRun({ program }: Side, { kind }: Question, ids: number[]): Promise<Timing> {
  const newTokens = kind === 'prefill' ? 1 : DECODE_TOKENS + 1;
  if (!(program instanceof Engine)) return program.run({ ids, newTokens });
  const { ttftMs, decodeTokensPerSecond } = await program.complete({ promptIds: ids, maxTokens: newTokens });
  return { ttftMs, tokensPerS: decodeTokensPerSecond };
}

/** A long comparison that is ended early has said what it found. */
function line({ kind, contextTokens, name, dtype, workers, threads, tokensPerS }: Cell): string {
  return `${kind} ${contextTokens}: ${name} ${dtype} ${workers}×${threads} ${tokensPerS.median.toFixed(1)} tokens/s`;
}

function cellOf(side: Side, { kind, contextTokens }: Question, timings: readonly Timing[]): Cell {
  const { name, dtype, workers, threads } = side;
  const ttfts = timings.map(({ ttftMs }) => ttftMs);
  const rates = timings.map(({ ttftMs, tokensPerS }) =>
    kind === 'prefill' ? (1000 * contextTokens) / ttftMs : (tokensPerS ?? 0),
  );
  return {
    ...{ name, dtype, workers, threads, kind, label: 'measured', contextTokens },
    ttftMs: medianRange(ttfts),
    tokensPerS: medianRange(rates),
  };
}
