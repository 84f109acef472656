/**
 * Clients that leave: many requests at once, each given up at a moment of its own, in the queue, the prompt phase or the answer.
 * What workers hold must follow what is accounted for, and go back once nothing runs. Linux.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/core/random.js';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import { type Engine, KvrError } from '../../src/index.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { countFlag, seedFlag } from '../runner/flags.js';
import { type MemoryFlags, memoryEngine, memoryFlags, warmUp } from './flags.js';
import { memoryReport } from './memory-report.js';
import { MemoryWatch } from './memory-watch.js';

type Flags = MemoryFlags & { readonly requests: number; readonly seed: number };

const PROMPT_TOKENS = [1_000, 30_000] as const;
const MAX_TOKENS = 256;
/** A client stays for up to so long, its time in the queue included. */
const LONGEST_STAY_MS = 1_500;
const IDLE_MS = 30_000;

export const leavers: Benchmark<Flags> = {
  name: 'leavers',
  summary: 'memory of workers whose clients leave in the middle',
  details: `Prompts of ${PROMPT_TOKENS.join(' to ')} tokens (short ones more often); each client leaves within ${LONGEST_STAY_MS / 1000} s. A worker with more than predicted for
so many at once, or ${IDLE_MS / 1000} s later more than 1.2 times what it had at the start, is a goal missed.`,
  flags: () => [...memoryFlags(), countFlag('--requests <N>', 'in all', 600), seedFlag()],
  run: runLeavers,
};

async function runLeavers(flags: Flags, { note }: BenchContext): Promise<Report> {
  const engine = await memoryEngine(flags);
  try {
    await warmUp(engine);
    const watch = new MemoryWatch(engine, flags.guard * 1e6);
    try {
      const done = await leaveAll(engine, flags, watch.signal, note);
      note(`idle for ${IDLE_MS / 1000} s`);
      if (!watch.signal.aborted) await delay(IDLE_MS);
      const atRest = watch.now();
      const startMs = performance.now();
      await engine.complete({ promptIds: promptOf(engine, PROMPT_TOKENS[0], 1), maxTokens: 1 });
      const nextMs = performance.now() - startMs;
      return memoryReport(engine, flags, { promptTokens: PROMPT_TOKENS[1], newTokens: MAX_TOKENS }, atRest, [
        `${done} of ${flags.requests} requests were asked for; the next request afterwards, of ${PROMPT_TOKENS[0]} tokens, took ${nextMs.toFixed(0)} ms.`,
        ...(watch.signal.aborted ? [`Stopped: ${String((watch.signal.reason as Error).message)}.`] : []),
      ]);
    } finally {
      watch.close();
    }
  } finally {
    await engine.close();
  }
}

/** @returns requests that were asked for */
async function leaveAll(
  engine: Engine,
  { requests, clients, seed }: Flags,
  guard: AbortSignal,
  note: BenchContext['note'],
): Promise<number> {
  const random = seededRandom(seed + 1);
  let asked = 0;
  const client = async (): Promise<void> => {
    while (asked < requests && !guard.aborted) {
      if (asked % 40 === 0) note(`request ${asked} of ${requests}`);
      const prompt = promptOf(engine, lengthOf(random()), seed + asked++);
      await leaveAfter(engine, prompt, Math.round(random() * LONGEST_STAY_MS));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return asked;
}

/** Evenly on a scale of factors. */
function lengthOf(share: number): number {
  const [least, most] = PROMPT_TOKENS;
  return Math.round(least * (most / least) ** share);
}

async function leaveAfter(engine: Engine, promptIds: number[], ms: number): Promise<void> {
  try {
    await engine.complete({ promptIds, maxTokens: MAX_TOKENS, signal: AbortSignal.timeout(ms) });
  } catch (error) {
    if (!(error instanceof KvrError) || error.code !== 'CANCELLED') throw error;
  }
}

function promptOf({ model }: Engine, tokens: number, seed: number): number[] {
  return benchPrompt(tokens, model.shape.vocabulary, seed);
}
