/**
 * The measured speed of workers and links: measured once, kept in the cache folder by model, dtype, threads and machine, and
 * corrected by the timelines of real requests.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import type { Dtype, KvDtype, ModelShape } from '../../core/shape.js';
import { type OnDamage, readKept, tryWriteKept } from '../../model/cache/index.js';
import { FORMAT_VERSION } from '../../model/compiled.js';
import type { RankTimeline } from '../../core/timeline.js';
import { type LinkCost, parseStoredCost, refreshCost, storedCost } from '../../plan/index.js';
import { calibrate } from './calibrate.js';
import type { CostSource } from './cost-source.js';
import { type ChainKnowledge, WorkerCosts } from './worker-costs.js';

/** In the cache. */
export const FOLDER = 'calibration';
const VERSION = 2;
export const linkSchema = z.object({
  latencyMs: z.number().min(0),
  bytesPerS: z.number().positive(),
  frameBytes: z.number().positive(),
});
const fileSchema = z.object({
  version: z.literal(VERSION),
  workers: z.array(z.unknown()).min(1).max(1024),
  links: z.array(linkSchema).max(1023),
});

export type CalibrationOptions = {
  readonly cacheFolder: string;
  readonly shape: ModelShape;
  readonly chunkTokens: number;
  readonly kvDtype: KvDtype;
  /** Measure again even if a measurement is kept. */
  readonly isFresh?: boolean;
  readonly signal?: AbortSignal;
  /** Takes a line about a damaged file, or one that can not be written: neither keeps anybody from answering. */
  readonly onWarning?: (words: string) => void;
  /** Called when nothing usable was kept and the workers are measured. */
  readonly onMeasure?: () => void;
};

export class CalibrationStore implements CostSource {
  readonly #options: CalibrationOptions;
  readonly #path: string;
  readonly #key: string;
  readonly #ids: readonly string[];
  #knowledge: ChainKnowledge;
  #hasWarned = false;

  private constructor(options: CalibrationOptions, owner: CalibrationOwner, knowledge: ChainKnowledge) {
    this.#options = options;
    this.#key = calibrationKey(owner);
    this.#ids = owner.workers.map(({ id }) => id);
    this.#path = filePath(options.cacheFolder, this.#key);
    this.#knowledge = knowledge;
  }

  /** Reads what is kept for these workers, or measures them. @throws WORKER_*, LINK */
  static async open(
    workers: readonly ClusterWorker[],
    options: CalibrationOptions,
  ): Promise<CalibrationStore> {
    const owner = ownerOf(workers, options);
    const kept = options.isFresh
      ? undefined
      : await readKnowledge(options.cacheFolder, owner, options.onWarning);
    if (kept) return new CalibrationStore(options, owner, kept);
    options.onMeasure?.();
    const { shape, chunkTokens, kvDtype, signal } = options;
    const knowledge = await calibrate(workers, shape, chunkTokens, kvDtype, signal);
    const store = new CalibrationStore(options, owner, knowledge);
    await store.save();
    return store;
  }

  get knowledge(): ChainKnowledge {
    return this.#knowledge;
  }

  get costs(): WorkerCosts {
    return new WorkerCosts(this.#ids, this.#knowledge);
  }

  /** Neighbours' alone were measured. */
  measuredLink(from: string, to: string): LinkCost | undefined {
    const place = this.#ids.indexOf(from);
    return place >= 0 && this.#ids[place + 1] === to ? this.#knowledge.links[place] : undefined;
  }

  /** Corrects the costs by a finished request's timelines; `chain` are the ids of its workers, in rank order. */
  refresh(contextTokens: number, chain: readonly string[], timelines: readonly RankTimeline[]): void {
    const { layers } = this.#options.shape;
    const workers = this.#knowledge.workers.map((cost, place) => {
      const own = timelines.filter(({ rank }) => chain[rank] === this.#ids[place]);
      return refreshCost(cost, own, { layers, contextTokens });
    });
    this.#knowledge = { ...this.#knowledge, workers };
  }

  /** Writes the file. If it can not be written, the next start measures again, and one warning says so. */
  async save(): Promise<void> {
    const { workers, links } = this.#knowledge;
    const kept = { version: VERSION, workers: workers.map((cost) => storedCost(this.#key, cost)), links };
    const failure = await tryWriteKept(this.#path, kept);
    if (failure === undefined || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.onWarning?.(
      `what was measured of the workers is not kept, the next start may measure again: ${failure.message}`,
    );
  }
}

function filePath(cacheFolder: string, key: string): string {
  return join(cacheFolder, FOLDER, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
}

/** The workers that a calibration is about, in chain order, and what they run. */
export type CalibrationOwner = {
  readonly digest: string;
  readonly dtype: Dtype;
  readonly kvDtype: KvDtype;
  readonly chunkTokens: number;
  readonly workers: readonly { readonly id: string; readonly threads: number }[];
};

/** Kept measurements of workers, whether they run or not; undefined where there are none that can be used. */
export async function readKnowledge(
  cacheFolder: string,
  owner: CalibrationOwner,
  onDamage?: OnDamage,
): Promise<ChainKnowledge | undefined> {
  const key = calibrationKey(owner);
  return knowledgeOf(await readKept(filePath(cacheFolder, key), onDamage), key, owner);
}

function ownerOf(
  workers: readonly ClusterWorker[],
  { chunkTokens, kvDtype }: Pick<CalibrationOptions, 'chunkTokens' | 'kvDtype'>,
): CalibrationOwner {
  const [first] = workers;
  if (!first) throw new KvrError('INTERNAL', 'a chain without workers has no costs');
  const { digest, dtype } = first.ready;
  const each = workers.map(({ handle, ready }) => ({ id: handle.id, threads: ready.threads }));
  return { digest, dtype, kvDtype, chunkTokens, workers: each };
}

/** Names the workers: where they run, what they run, with how many threads. */
export function calibrationKey({ digest, dtype, kvDtype, chunkTokens, workers }: CalibrationOwner): string {
  const each = workers.map(({ id, threads }) => `${id}:${threads}`);
  // Other graphs have other costs.
  return [hostname(), `v${FORMAT_VERSION}`, digest, dtype, kvDtype, chunkTokens, ...each].join(' ');
}

/** @returns undefined where nothing is kept that can be used: the workers are then measured again */
function knowledgeOf(
  json: unknown,
  key: string,
  { workers, kvDtype }: CalibrationOwner,
): ChainKnowledge | undefined {
  const kept = fileSchema.safeParse(json).data;
  if (kept?.workers.length !== workers.length || kept.links.length !== workers.length - 1) return undefined;
  try {
    return {
      workers: kept.workers.map((stored) => parseStoredCost(stored, key)),
      links: kept.links,
      kvDtype,
    };
  } catch (error) {
    // Of another version, or about other workers.
    if (error instanceof KvrError && error.code === 'BAD_INPUT') return undefined;
    throw error;
  }
}
