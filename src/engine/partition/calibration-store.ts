/**
 * What is known of the workers' and links' speed: measured once, kept in the cache folder by model, dtype, threads
 * and machine, moved along by the timelines of real requests, and asked for a plan by every request.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import type { Dtype, KvDtype, ModelShape } from '../../core/shape.js';
import { makeFolder, writeAtomically } from '../../model/cache/index.js';
import { FORMAT_VERSION } from '../../model/compiled.js';
import type { RankTimeline } from '../../core/timeline.js';
import { parseStoredCost, type Plan, planPartition, refreshCost, storedCost } from '../../plan/index.js';
import { calibrate, type ChainKnowledge } from './calibrate.js';

const FOLDER = 'calibration';
const VERSION = 2;
const linkSchema = z.object({
  latencyMs: z.number().min(0),
  bytesPerS: z.number().positive(),
  frameBytes: z.number().positive(),
});
const bookSchema = z.object({
  version: z.literal(VERSION),
  workers: z.array(z.unknown()).min(1).max(1024),
  links: z.array(linkSchema).max(1023),
});

export type CostBookOptions = {
  readonly cacheFolder: string;
  readonly shape: ModelShape;
  readonly chunkTokens: number;
  readonly kvDtype: KvDtype;
  /** Measure also where something is kept. */
  readonly isFresh?: boolean;
  readonly signal?: AbortSignal;
  /** Called when nothing usable was kept and the workers are measured. */
  readonly onMeasure?: () => void;
};

export class CalibrationStore {
  readonly #options: CostBookOptions;
  readonly #path: string;
  readonly #key: string;
  #knowledge: ChainKnowledge;

  private constructor(options: CostBookOptions, key: string, knowledge: ChainKnowledge) {
    this.#options = options;
    this.#key = key;
    this.#path = bookPath(options.cacheFolder, key);
    this.#knowledge = knowledge;
  }

  /** Reads what is kept for these workers, or measures them. @throws WORKER_*, LINK */
  static async open(workers: readonly ClusterWorker[], options: CostBookOptions): Promise<CalibrationStore> {
    const owner = ownerOf(workers, options);
    const key = bookKey(owner);
    const kept = options.isFresh ? undefined : await readKnowledge(options.cacheFolder, owner);
    if (kept) return new CalibrationStore(options, key, kept);
    options.onMeasure?.();
    const { shape, chunkTokens, kvDtype, signal } = options;
    const knowledge = await calibrate(workers, shape, chunkTokens, kvDtype, signal);
    const book = new CalibrationStore(options, key, knowledge);
    await book.save();
    return book;
  }

  get knowledge(): ChainKnowledge {
    return this.#knowledge;
  }

  /** The plan for a prompt over the first `workers` workers. */
  plan(contextTokens: number, workers: number): Plan {
    const { shape } = this.#options;
    const { workers: costs, links, kvDtype } = this.#knowledge;
    return planPartition({
      contextTokens,
      workers: costs.slice(0, workers),
      links: links.slice(0, workers - 1),
      shape,
      kvDtype,
    });
  }

  /** Lets a finished request's timelines move the costs; `workers` are the indices that ran its ranks. */
  refresh(contextTokens: number, workers: readonly number[], timelines: readonly RankTimeline[]): void {
    const { layers } = this.#options.shape;
    const costs = [...this.#knowledge.workers];
    for (const timeline of timelines) {
      const index = workers[timeline.rank];
      const cost = index === undefined ? undefined : costs[index];
      if (index !== undefined && cost)
        costs[index] = refreshCost(cost, [timeline], { layers, contextTokens });
    }
    this.#knowledge = { ...this.#knowledge, workers: costs };
  }

  /** Writes the book; a cache that can not be written costs the next start a measurement and nothing else. */
  async save(): Promise<void> {
    const { workers, links } = this.#knowledge;
    const book = { version: VERSION, workers: workers.map((cost) => storedCost(this.#key, cost)), links };
    await makeFolder(join(this.#options.cacheFolder, FOLDER));
    await writeAtomically(this.#path, JSON.stringify(book));
  }
}

function bookPath(cacheFolder: string, key: string): string {
  return join(cacheFolder, FOLDER, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
}

/** The workers that a book is about, in chain order, and what they run. */
export type BookOwner = {
  readonly digest: string;
  readonly dtype: Dtype;
  readonly kvDtype: KvDtype;
  readonly chunkTokens: number;
  readonly workers: readonly { readonly id: string; readonly threads: number }[];
};

/** What is kept of workers, whether they run or not; undefined where nothing usable is. */
export function readKnowledge(cacheFolder: string, owner: BookOwner): Promise<ChainKnowledge | undefined> {
  const key = bookKey(owner);
  return readBook(bookPath(cacheFolder, key), key, owner);
}

function ownerOf(
  workers: readonly ClusterWorker[],
  { chunkTokens, kvDtype }: Pick<CostBookOptions, 'chunkTokens' | 'kvDtype'>,
): BookOwner {
  const [first] = workers;
  if (!first) throw new KvrError('INTERNAL', 'a chain without workers has no costs');
  const { digest, dtype } = first.ready;
  const each = workers.map(({ handle, ready }) => ({ id: handle.id, threads: ready.threads }));
  return { digest, dtype, kvDtype, chunkTokens, workers: each };
}

/** Names the workers: where they run, what they run, with how many threads. */
function bookKey({ digest, dtype, kvDtype, chunkTokens, workers }: BookOwner): string {
  const each = workers.map(({ id, threads }) => `${id}:${threads}`);
  // Other graphs cost something else.
  return [hostname(), `v${FORMAT_VERSION}`, digest, dtype, kvDtype, chunkTokens, ...each]
    .join(' ')
    .slice(0, 1000);
}

/** @returns undefined where nothing is kept, or what is kept can not be used: it is measured again then. */
async function readBook(
  path: string,
  key: string,
  { workers, kvDtype }: BookOwner,
): Promise<ChainKnowledge | undefined> {
  try {
    const book = bookSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    if (book.workers.length !== workers.length || book.links.length !== workers.length - 1) return undefined;
    const costs = book.workers.map((stored) => parseStoredCost(stored, key));
    return { workers: costs, links: book.links, kvDtype };
  } catch (error) {
    if (isMissingOrBroken(error)) return undefined;
    throw error;
  }
}

function isMissingOrBroken(error: unknown): boolean {
  const { code } = error as { code?: string };
  return (
    error instanceof SyntaxError || error instanceof z.ZodError || code === 'ENOENT' || code === 'BAD_INPUT'
  );
}
