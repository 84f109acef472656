/**
 * Chunked pipeline parallel: ranks share the layers, the context goes through them in chunks. Pure.
 *   start(s, c) = max(end(s, c−1), end(s−1, c) + transfer of the chunk's residual stream)
 * Ranks beyond the number of layers have nothing to do and are left out.
 */
import { sliceScores } from './device-times.js';
import { carryMs } from './noise.js';
import type { Outcome, Setup, SimulatedRank } from './setup.js';

/** Chunks of the context for each rank, so that filling the pipeline costs about 1/CHUNKS_PER_RANK. */
const CHUNKS_PER_RANK = 4;

export function simulatePipeline(setup: Setup): Outcome {
  const stages = Math.min(setup.partition.length, setup.times.layers);
  const chunks = pipelineChunks(setup, stages);
  let ends = new Float64Array(chunks.length);
  const ranks: SimulatedRank[] = [];
  for (let stage = 0; stage < stages; stage += 1) {
    const run = runStage(setup, stage, stages, chunks, ends);
    ends = run.ends;
    ranks.push(run.rank);
  }
  return { ttftMs: (ends[ends.length - 1] as number) + setup.times.headMs, ranks };
}

/** Sizes of the chunks, in order: the policy's, or a few a rank. */
export function pipelineChunks(setup: Setup, stages: number): number[] {
  const { contextTokens, policy } = setup;
  const wanted = Number.isFinite(policy.chunkTokens)
    ? policy.chunkTokens
    : Math.ceil(contextTokens / (stages === 1 ? 1 : CHUNKS_PER_RANK * stages));
  const sizes: number[] = [];
  for (let left = contextTokens; left > 0; left -= wanted) sizes.push(Math.min(left, wanted));
  return sizes;
}

/** Layers of a stage: as even as they go, longer stages first. */
export function stageLayers(layers: number, stages: number, stage: number): number {
  return Math.floor(layers / stages) + (stage < layers % stages ? 1 : 0);
}

function runStage(
  setup: Setup,
  stage: number,
  stages: number,
  chunks: readonly number[],
  arrivals: Float64Array,
) {
  const { times, policy, cluster } = setup;
  const layers = stageLayers(times.layers, stages, stage);
  const ends = new Float64Array(chunks.length);
  const isLast = stage === stages - 1;
  let [free, prefix, computeMs, attentionMs, linkFree] = [0, 0, 0, 0, 0];
  for (const [chunk, tokens] of chunks.entries()) {
    const attention = layers * times.attentionMs(sliceScores(tokens, prefix, policy));
    const work = attention + layers * times.blockMs(tokens);
    free = Math.max(free, arrivals[chunk] as number) + work;
    linkFree =
      Math.max(linkFree, free) + (isLast ? 0 : carryMs(cluster, stage, chunk, tokens * times.hiddenBytes));
    ends[chunk] = isLast ? free : linkFree + cluster.link.latencyMs;
    [prefix, computeMs, attentionMs] = [prefix + tokens, computeMs + work, attentionMs + attention];
  }
  const sentBytes = isLast ? 0 : setup.contextTokens * times.hiddenBytes;
  const rank = {
    rank: stage,
    tokens: setup.contextTokens,
    computeMs,
    attentionMs,
    waitMs: free - computeMs,
    endMs: free,
    sentBytes,
  };
  return { ends, rank };
}
