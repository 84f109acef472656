/**
 * Measures what a plan needs: the kernels of all workers at the same time, since they also share a machine's memory and cores
 * when they work, and then the links between neighbours. Takes a few seconds; calibration-store.ts keeps it.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import { meanOverLayers, mlpWeights, outputWeights, projectionWeights } from '../../core/layer-sizes.js';
import { evenPartition } from '../../core/partition.js';
import { requestSpecSchema } from '../../core/request.js';
import type { KvDtype, ModelShape } from '../../core/shape.js';
import { median } from '../../core/statistics.js';
import { KV_FRAME_BYTES } from '../../link/frame.js';
import { type CostSample, fitWorkerCost, type LinkCost, type WorkerCost } from '../../plan/index.js';
import type { ProbeMessage, ProbeSample } from '../../worker/protocol/index.js';
import { runChain } from '../chain/run-chain.js';
import type { ChainKnowledge } from './worker-costs.js';

/** Timed rounds of every call; their median tolerates one that was disturbed. */
const REPEATS = 3;
/** Frames of KV_FRAME_BYTES that measure a link: 16 MiB, 13 ms at 10 Gbit/s, 0.7 s at 200 Mbit/s. */
const LINK_FRAMES = 32;
/** Prefixes that attention is measured after; longer ones follow from these, since the cost is linear in them. */
const PREFIX_TOKENS = [0, 2048];

/** @throws WORKER_*, LINK where a worker can not be measured */
export async function calibrate(
  workers: readonly ClusterWorker[],
  shape: ModelShape,
  chunkTokens: number,
  kvDtype: KvDtype,
  signal?: AbortSignal,
): Promise<ChainKnowledge> {
  const probe = probeFor(chunkTokens, kvDtype);
  const answers = await Promise.all(workers.map(({ handle }) => handle.ask(probe, 'probed', signal)));
  const links: LinkCost[] = [];
  // One after the other: links of one machine or one switch would slow each other.
  for (let index = 0; index + 1 < workers.length; index++) {
    links.push(await measureLink(workers.slice(index, index + 2), shape, kvDtype, signal));
  }
  return {
    workers: fitWorkers(
      answers.map(({ samples }) => samples),
      shape,
      chunkTokens,
    ),
    links,
    kvDtype,
  };
}

function probeFor(chunkTokens: number, kvDtype: KvDtype): ProbeMessage {
  const half = Math.max(1, Math.floor(chunkTokens / 2));
  // Chunks are of even length, so they lie between half of the longest and the longest.
  const blockTokens = [1, 32, 128, half, chunkTokens].filter((tokens) => tokens <= chunkTokens);
  return {
    type: 'probe',
    probe: probeId(),
    blockTokens: [...new Set(blockTokens)].sort((a, b) => a - b),
    attention: [
      ...PREFIX_TOKENS.map((prefixTokens) => ({ tokens: chunkTokens, prefixTokens })),
      { tokens: half, prefixTokens: 512 },
      { tokens: 1, prefixTokens: 1024 },
    ],
    kvDtype,
    repeats: REPEATS,
  };
}

/** Engines that measure the same worker at once must not get each other's answers. */
function probeId(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/**
 * Speed by a burst of frames; latency by a request of one token a rank, since what a rank waits for in every layer
 * is not the wire alone but two threads on either side as well. @throws WORKER_*, LINK
 */
export async function measureLink(
  pair: readonly ClusterWorker[],
  shape: ModelShape,
  kvDtype: KvDtype,
  signal?: AbortSignal,
): Promise<LinkCost> {
  const [from, to] = pair as [ClusterWorker, ClusterWorker];
  const question = {
    type: 'probeLink',
    probe: probeId(),
    worker: to.handle.id,
    frames: LINK_FRAMES,
  } as const;
  const wire = await from.handle.ask(question, 'probedLink', signal);
  const waits: number[] = [];
  for (let run = 0; run < LATENCY_RUNS; run++) waits.push(...(await waitsOf(pair, shape, kvDtype, signal)));
  const latencyMs = Math.max(wire.latencyMs, median(waits));
  return { latencyMs, bytesPerS: wire.bytesPerS, frameBytes: KV_FRAME_BYTES };
}

/** Enough for a median over a few dozen layers. */
const LATENCY_RUNS = 3;

/** How long the second of two ranks with one token each waited, layer by layer, for a first that is no slower. */
async function waitsOf(
  pair: readonly ClusterWorker[],
  shape: ModelShape,
  kvDtype: KvDtype,
  signal?: AbortSignal,
): Promise<number[]> {
  const run = runChain({
    // Below the ids of every engine's own requests; workers remember ids that have ended.
    id: Math.floor(Math.random() * 2 ** 32),
    spec: requestSpecSchema.parse({ strategy: 'kvr', maxTokens: 1, kvDtype, prefixCache: false }),
    workers: pair,
    ids: Int32Array.of(0, 0),
    partition: evenPartition(2, 2),
    ...(signal && { signal }),
  });
  const waits: number[] = new Array<number>(shape.layers).fill(0);
  for await (const event of run) {
    if (event.type !== 'prefilled' || event.timeline.rank !== 1) continue;
    for (const { kind, layer, startMs, endMs } of event.timeline.events) {
      if (kind === 'wait') waits[layer] = (waits[layer] ?? 0) + endMs - startMs;
    }
  }
  return waits;
}

/** Workers that differ by less than this are taken as equal, and measured together: it is noise. */
const EQUAL_WITHIN = 0.1;

function fitWorkers(samples: readonly ProbeSample[][], shape: ModelShape, chunkTokens: number): WorkerCost[] {
  const own = samples.map((each) => fitOne(each, shape, chunkTokens));
  const joint = fitOne(samples.flat(), shape, chunkTokens);
  const areEqual = own.every((cost) => Math.abs(chunkMs(cost) / chunkMs(joint) - 1) < EQUAL_WITHIN);
  return areEqual ? own.map(() => joint) : own;
}

function fitOne(samples: readonly ProbeSample[], shape: ModelShape, chunkTokens: number): WorkerCost {
  const costs: CostSample[] = samples.flatMap(({ kind, ...rest }) =>
    kind === 'block' || kind === 'attention' || kind === 'head' ? [{ kind, ...rest }] : [],
  );
  return fitWorkerCost(costs, {
    chunkTokens,
    firstBlockShare: firstBlockShare(shape),
    callMs: medianMs(samples, 'call', 1),
    embedTokenMs: medianMs(samples, 'embed', chunkTokens),
  });
}

/** A worker's time for one full chunk through one block. */
function chunkMs(cost: WorkerCost): number {
  return cost.block[cost.block.length - 1]?.ms ?? 0;
}

function medianMs(samples: readonly ProbeSample[], kind: ProbeSample['kind'], per: number): number {
  const times = samples.filter((sample) => sample.kind === kind).map(({ ms }) => ms / per);
  return median(times, 0);
}

/** Weights of Q, K and V (and of the MLP, where that does not wait for attention) over those of a whole layer. */
function firstBlockShare(shape: ModelShape): number {
  const projections = projectionWeights(shape);
  const mlp = meanOverLayers(shape, (spec) => mlpWeights(shape, spec));
  const early = meanOverLayers(shape, (spec) => (spec.residual === 'parallel' ? mlpWeights(shape, spec) : 0));
  return (projections + early) / (projections + mlp + outputWeights(shape));
}
