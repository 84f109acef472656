/**
 * Rounds of work and rest: many prompts at once, answered, then nothing for a while. What workers have must not grow from round to
 * round, and go back while they rest. Linux.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { contextFlag, countFlag, seedFlag } from '../runner/flags.js';
import { type MemoryFlags, memoryEngine, memoryFlags, warmUp } from './flags.js';
import { memoryReport } from './memory-report.js';
import { MemoryWatch, type WatchedWorker } from './memory-watch.js';

type Flags = MemoryFlags & {
  readonly rounds: number;
  readonly context: number;
  readonly idle: number;
  readonly seed: number;
};

const MAX_TOKENS = 4;

export const rounds: Benchmark<Flags> = {
  name: 'rounds',
  summary: 'memory of workers over rounds of many prompts and rest',
  details: 'Every round: --clients prompts at once, all answered, then rest. A goal is missed as in leavers.',
  flags: () => [
    ...memoryFlags(),
    contextFlag(8_000),
    countFlag('--rounds <N>', 'of prompts and rest', 10),
    countFlag('--idle <S>', 'seconds of rest', 30),
    seedFlag(),
  ],
  run: runRounds,
};

async function runRounds(flags: Flags, { note }: BenchContext): Promise<Report> {
  const engine = await memoryEngine(flags);
  try {
    await warmUp(engine);
    const watch = new MemoryWatch(engine, flags.guard * 1e6);
    try {
      const seen: WatchedWorker[] = [];
      for (let round = 0; round < flags.rounds && !watch.signal.aborted; round++) {
        note(`round ${round + 1} of ${flags.rounds}`);
        const prompts = Array.from({ length: flags.clients }, (_, at) =>
          benchPrompt(flags.context, engine.model.shape.vocabulary, flags.seed + round * flags.clients + at),
        );
        await Promise.all(prompts.map((promptIds) => engine.complete({ promptIds, maxTokens: MAX_TOKENS })));
        await delay(1_000 * flags.idle);
        seen.push(...watch.now().map((own) => ({ ...own, worker: `${own.worker}, round ${round + 1}` })));
      }
      return memoryReport(engine, flags, { promptTokens: flags.context, newTokens: MAX_TOKENS }, seen, []);
    } finally {
      watch.close();
    }
  } finally {
    await engine.close();
  }
}
