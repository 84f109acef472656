/**
 * The costs of workers that join one by one: each is measured before it is used, and so is its link to whom it stands beside.
 * Both are kept, so that a worker that comes again is not measured again.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { Cluster, ClusterWorker } from '../../cluster/cluster.js';
import { asKvrError } from '../../core/errors.js';
import type { RankTimeline } from '../../core/timeline.js';
import { KV_FRAME_BYTES } from '../../link/frame.js';
import { readKept, tryWriteKept } from '../../model/cache/index.js';
import type { LinkCost, WorkerCost } from '../../plan/index.js';
import { measureLink } from './calibrate.js';
import {
  type CalibrationOptions,
  CalibrationStore,
  calibrationKey,
  FOLDER,
  linkSchema,
} from './calibration-store.js';
import type { CostSource } from './cost-source.js';
import { type ChainKnowledge, WorkerCosts } from './worker-costs.js';

const keptSchema = z.object({ key: z.string(), link: linkSchema });
/** What a link is taken for while none was measured: 1 Gbit/s with a switch between. */
const UNKNOWN_LINK: LinkCost = { latencyMs: 1, bytesPerS: 125e6, frameBytes: KV_FRAME_BYTES };

type Options = CalibrationOptions & { readonly tell: (words: string) => void };

export class JoinedCosts implements CostSource {
  readonly #options: Options;
  /** One a worker, by its id. */
  readonly #stores = new Map<string, CalibrationStore>();
  readonly #links = new Map<string, LinkCost>();
  #cluster: Pick<Cluster, 'workers'> = { workers: [] };

  constructor(options: Options) {
    this.#options = options;
  }

  /** Whose workers are meant from now on. */
  follow(cluster: Pick<Cluster, 'workers'>): void {
    this.#cluster = cluster;
  }

  get knowledge(): ChainKnowledge {
    return this.#knowledgeOf(this.#usable);
  }

  /** Also of those that were here once: a request may be planned while they go. */
  get costs(): WorkerCosts {
    const usable = this.#usable;
    const all = [...usable, ...[...this.#stores.keys()].filter((id) => !usable.includes(id))];
    return new WorkerCosts(all, this.#knowledgeOf(all));
  }

  /** Measures a worker and its links in the chain, or reads what is kept of them. @throws WORKER_* */
  async prepare(worker: ClusterWorker, chain: readonly ClusterWorker[]): Promise<void> {
    const { id } = worker.handle;
    const tell = (): void => this.#options.tell(`worker ${id} is being measured`);
    // What its answers have taught is kept, and read again.
    await this.#stores.get(id)?.save();
    this.#stores.set(id, await CalibrationStore.open([worker], { ...this.#options, onMeasure: tell }));
    const place = chain.indexOf(worker);
    for (const pair of [chain.slice(place - 1, place + 1), chain.slice(place, place + 2)])
      if (place >= 0 && pair.length === 2) await this.#learnLink(pair);
  }

  measuredLink(from: string, to: string): LinkCost | undefined {
    return this.#links.get(pairName(from, to));
  }

  refresh(contextTokens: number, chain: readonly string[], timelines: readonly RankTimeline[]): void {
    for (const id of chain) this.#stores.get(id)?.refresh(contextTokens, chain, timelines);
  }

  async save(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.save()));
  }

  get #usable(): readonly string[] {
    return this.#cluster.workers.map(({ handle }) => handle.id).filter((id) => this.#stores.has(id));
  }

  #knowledgeOf(ids: readonly string[]): ChainKnowledge {
    const costOf = (id: string): readonly WorkerCost[] => this.#stores.get(id)?.knowledge.workers ?? [];
    return {
      workers: ids.flatMap(costOf),
      links: ids.slice(1).map((id, place) => this.#link(ids[place] as string, id)),
      kvDtype: this.#options.kvDtype,
    };
  }

  /** Of two that never stood beside each other: as slow as the slowest that is known. */
  #link(from: string, to: string): LinkCost {
    const known = this.#links.get(pairName(from, to));
    if (known) return known;
    const all = [...this.#links.values()];
    return all.length === 0
      ? UNKNOWN_LINK
      : all.reduce((slow, each) => (each.bytesPerS < slow.bytesPerS ? each : slow));
  }

  /** A link that can not be measured, since its other end goes, is no fault of the worker. */
  async #learnLink(pair: readonly ClusterWorker[]): Promise<void> {
    const [from = '', to = ''] = pair.map(({ handle }) => handle.id);
    const name = pairName(from, to);
    const { shape, kvDtype, signal, isFresh } = this.#options;
    try {
      const kept = isFresh ? undefined : (this.#links.get(name) ?? (await this.#keptLink(pair)));
      const link = kept ?? (await measureLink(pair, shape, kvDtype, signal));
      this.#links.set(name, link);
      if (!kept) await tryWriteKept(this.#path(pair), { key: this.#key(pair), link });
    } catch (error) {
      const why = asKvrError(error).message;
      this.#options.tell(
        `the link between ${from} and ${to} is not measured, and taken for a slow one: ${why}`,
      );
    }
  }

  async #keptLink(pair: readonly ClusterWorker[]): Promise<LinkCost | undefined> {
    const kept = keptSchema.safeParse(await readKept(this.#path(pair), this.#options.onWarning)).data;
    return kept?.key === this.#key(pair) ? kept.link : undefined;
  }

  #path(pair: readonly ClusterWorker[]): string {
    const name = createHash('sha256').update(this.#key(pair)).digest('hex').slice(0, 32);
    return join(this.#options.cacheFolder, FOLDER, `${name}.json`);
  }

  /** Latency is that of a request, so it depends on the model as the workers' own costs do. */
  #key(pair: readonly ClusterWorker[]): string {
    const workers = pair.map(({ handle, ready }) => ({ id: handle.id, threads: ready.threads }));
    workers.sort((a, b) => (a.id < b.id ? -1 : 1));
    const { digest = '', dtype = 'f32' } = pair[0]?.ready ?? {};
    const { kvDtype, chunkTokens } = this.#options;
    return `link ${calibrationKey({ digest, dtype, kvDtype, chunkTokens, workers })}`;
  }
}

/** The same in both directions. */
function pairName(one: string, other: string): string {
  return JSON.stringify([one, other].sort());
}
