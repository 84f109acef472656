/**
 * What a bench is asked for and hands back, and the steps that measured and emulated ones begin with.
 */
import { KvrError } from '../../core/errors.js';
import type { LinkCost } from '../../plan/index.js';
import { cacheFolder } from '../../model/cache/index.js';
import { Engine } from '../../engine/engine.js';
import { type LoadedModel, openWithProgress } from '../../engine/load/load.js';
import type { EngineHooks, EngineOptions } from '../../engine/options/options.js';
import { benchPrompt } from '../prompts/bench-prompt.js';
import type { BenchCell } from './cells.js';
import type { BenchStrategyName } from './strategies.js';

export const MAX_REPEATS = 1000;

/** What engines are loaded with, whatever their workers. */
export type BenchEngine = Pick<
  EngineOptions,
  'model' | 'dtype' | 'kvDtype' | 'cacheDir' | 'chunkTokens' | 'kvMemoryBytes' | 'threads'
>;

export type BenchOptions = EngineHooks & {
  /** `threads` of each worker; the cores shared out unless given. */
  readonly engine: BenchEngine;
  /** In the order of the table, each once; not empty, as the other lists. */
  readonly strategies: readonly BenchStrategyName[];
  readonly contexts: readonly number[];
  readonly repeats: number;
  /** Of the prompts' ids. */
  readonly seed: number;
  /** Something people should know about the figures. */
  readonly onNote?: (text: string) => void;
};

export type BenchReport = {
  readonly model: LoadedModel;
  readonly cells: readonly BenchCell[];
  /** All cells of a context gave this token. */
  readonly firstTokens: readonly { readonly contextTokens: number; readonly firstToken: number }[];
};

/** A chain that is not there: equal workers, each with what this machine has, joined by equal links. */
export type EmulatedCluster = { readonly workers: number; readonly link: LinkCost };

/** Opens the checkpoint to see that the contexts fit. @throws PROMPT_TOO_LONG, and as openCheckpoint, before anything long begins */
export async function checkContexts({ engine, contexts, ...hooks }: BenchOptions): Promise<void> {
  const checkpoint = await openWithProgress(engine.model, cacheFolder(engine.cacheDir), hooks);
  await checkpoint.close();
  const { name, shape } = checkpoint;
  const tooLong = contexts.find((tokens) => tokens + 1 > shape.contextTokens);
  if (tooLong === undefined) return;
  const most = shape.contextTokens - 1;
  throw new KvrError(
    'PROMPT_TOO_LONG',
    `context of ${tooLong} tokens plus a first new one exceeds the ${shape.contextTokens} of model "${name}"; give at most ${most}`,
    { contextTokens: tooLong, most },
  );
}

/** Loads an engine that plans. @throws as Engine.load */
export function loadEngine(
  { engine, signal, onProgress }: BenchOptions,
  workers: number | readonly string[],
  threads = engine.threads,
): Promise<Engine> {
  return Engine.load({
    ...engine,
    workers: typeof workers === 'number' ? workers : [...workers],
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
}

/** The prompt of a context, for the engine's model. */
export function promptFor({ seed }: BenchOptions, { model }: Engine, contextTokens: number): number[] {
  return benchPrompt(contextTokens, model.shape.vocabulary, seed);
}

/** '1 worker', '2 workers'. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
