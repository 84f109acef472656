/**
 * The flags of benchmarks that watch workers' memory, and the engine they ask for.
 */
import type { Option } from 'commander';
import { Engine } from '../../src/index.js';
import { benchPrompt } from '../../src/evaluation/prompts/bench-prompt.js';
import { countFlag, modelFlag, threadsFlag, workersFlag } from '../runner/flags.js';

export type MemoryFlags = {
  readonly model: string;
  readonly workers: number;
  readonly threads: number;
  readonly clients: number;
  /** MB. */
  readonly kvMemory: number;
  /** MB. */
  readonly guard: number;
};

export const memoryFlags = (): Option[] => [
  modelFlag('quote'),
  workersFlag(1),
  threadsFlag(1),
  countFlag('--clients <N>', 'requests at once', 16),
  countFlag('--kv-memory <MB>', 'KV-cache that each worker may hold', 400),
  countFlag('--guard <MB>', 'stop when a worker has more than this', 6_000),
];

/** Slices are even, so that every worker takes part in every request; nothing is kept of ended ones. */
export function memoryEngine({ model, workers, threads, clients, kvMemory }: MemoryFlags): Promise<Engine> {
  return Engine.load({
    ...{ model, workers, threads, kvMemoryBytes: kvMemory * 1e6 },
    ...{ calibrate: false, prefixCacheBytes: 0, maxRunning: clients },
  });
}

/** What every worker does once before its memory at the start is taken: a chunk goes through every graph. */
export async function warmUp(engine: Engine): Promise<void> {
  await engine.complete({ promptIds: benchPrompt(1_000, engine.model.shape.vocabulary, 0), maxTokens: 4 });
}
