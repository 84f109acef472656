/**
 * KVR-S the paper's way: a hierarchical grid search over real runs. Every candidate is the median of a few requests
 * for one token, through the engine and all its workers. Called by the plan command.
 */
import type { Partition } from '../../core/partition.js';
import { partitionSizes } from '../../core/partition.js';
import { searchPartition } from '../../plan/index.js';
import { benchPrompt } from '../prompts/bench-prompt.js';
import { median } from '../../core/statistics.js';
import type { Engine } from '../../engine/engine.js';

export type MeasuredSearch = {
  readonly contextTokens: number;
  /** Runs of one candidate; their median counts. */
  readonly repeats: number;
  /** Ends the search after so many candidates with the best so far. */
  readonly maxCandidates: number;
  readonly signal?: AbortSignal;
  /** Called once the first run has told how long one takes. */
  readonly onEstimate?: (runs: number, ms: number) => void;
  readonly onProgress?: (what: string, fraction: number) => void;
};

export type MeasuredPartition = {
  readonly contextTokens: number;
  readonly partition: Partition;
  /** Median of its runs. */
  readonly ttftMs: number;
  /** Median of the even partition's runs, where the search began. */
  readonly evenTtftMs: number;
  readonly candidates: number;
  readonly runs: number;
  readonly tookMs: number;
};

/** @throws CANCELLED, and what requests throw */
export async function searchByRuns(engine: Engine, search: MeasuredSearch): Promise<MeasuredPartition> {
  const { contextTokens, repeats, maxCandidates, signal } = search;
  const startMs = performance.now();
  const stand = new TestStand(engine, search);
  await stand.warmUp();
  const { partition, ms } = await searchPartition({
    contextTokens,
    ranks: Math.min(engine.workers.length, contextTokens),
    evaluate: (candidate) => stand.evaluate(candidate),
    reach: 'near',
    maxEvaluations: maxCandidates,
    ...(signal && { signal }),
  });
  return {
    contextTokens,
    partition,
    ttftMs: ms,
    evenTtftMs: stand.firstMs,
    candidates: stand.candidates,
    runs: stand.candidates * repeats,
    tookMs: performance.now() - startMs,
  };
}

/** Times candidates, each once however often the search comes back to it. */
class TestStand {
  readonly #engine: Engine;
  readonly #search: MeasuredSearch;
  readonly #ids: number[];
  readonly #known = new Map<string, number>();

  constructor(engine: Engine, search: MeasuredSearch) {
    this.#engine = engine;
    this.#search = search;
    this.#ids = benchPrompt(search.contextTokens, engine.model.shape.vocabulary, 1);
  }

  get candidates(): number {
    return this.#known.size;
  }

  /** The first candidate's time: the even partition's. */
  get firstMs(): number {
    return [...this.#known.values()][0] ?? 0;
  }

  async warmUp(): Promise<void> {
    const { repeats, maxCandidates, onEstimate } = this.#search;
    const ms = await this.#run('e');
    onEstimate?.(repeats * maxCandidates, repeats * maxCandidates * ms);
  }

  async evaluate(candidate: Partition): Promise<number> {
    const { repeats, maxCandidates, onProgress } = this.#search;
    const sizes = partitionSizes(candidate);
    const known = this.#known.get(sizes.join());
    if (known !== undefined) return known;
    onProgress?.(`measuring ${sizes.join()}`, this.#known.size / maxCandidates);
    const times: number[] = [];
    for (let run = 0; run < repeats; run++) times.push(await this.#run(sizes));
    const medianMs = median(times);
    this.#known.set(sizes.join(), medianMs);
    return medianMs;
  }

  async #run(partition: 'e' | number[]): Promise<number> {
    const { signal } = this.#search;
    const request = { promptIds: this.#ids, maxTokens: 1, partition, ...(signal && { signal }) };
    return (await this.#engine.complete(request)).ttftMs;
  }
}
