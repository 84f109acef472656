/**
 * Both sides' runs in turn, round after round, so that a machine that gets slower does so for both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../../src/index.js';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import { type MedianRange, medianRange } from '../../src/core/statistics.js';
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

export async function runRounds(
  sides: readonly Side[],
  questions: readonly Question[],
  { repeats, vocabulary, note }: { repeats: number; vocabulary: number; note: (text: string) => void },
): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const question of questions) {
    const timings = sides.map((): Timing[] => []);
    // The first round maps pages and grows heaps; it is not kept.
    for (let round = 0; round <= repeats; round++) {
      note(
        `${question.kind} ${question.contextTokens}, ${round === 0 ? 'warming up' : `round ${round} of ${repeats}`}`,
      );
      for (const [index, side] of sides.entries()) {
        const timing = await timeRun(side, question, benchPrompt(question.contextTokens, vocabulary, round));
        if (round > 0) timings[index]?.push(timing);
        await sleep(SETTLE_MS);
      }
    }
    const done = sides.map((side, index) => cellOf(side, question, timings[index] ?? []));
    for (const cell of done) note(line(cell));
    cells.push(...done);
  }
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
