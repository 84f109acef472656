/**
 * Every strategy as tasks for the event engine: what the recurrences claim to compute, spelled out task by task. Pure.
 * For small clusters (MAX_TASKS); ttftMsByEvents runs it.
 */
import { KvrError } from '../core/errors.js';
import type { Masking } from '../core/strategy.js';
import { piecesOf } from './chain.js';
import { sliceScores } from './device-times.js';
import { runTasks } from './event-queue.js';
import type { Task } from './event-queue.js';
import { gatherMs } from './gather.js';
import { carryMs } from './noise.js';
import { pipelineChunks, stageLayers } from './pipeline.js';
import { stepTimes } from './ring.js';
import type { RingKind } from './ring.js';
import type { Setup } from './setup.js';
import { sliceWork, tailTimes } from './setup.js';

/** More would take minutes. */
const MAX_TASKS = 2_000_000;

/** Collects tasks; `add` returns a task's index for others to come after. */
class Graph {
  readonly tasks: Task[] = [];

  add(resource: number | undefined, durationMs: number, after: readonly number[]): number {
    if (this.tasks.length >= MAX_TASKS) {
      throw new KvrError(
        'BAD_INPUT',
        `more than ${MAX_TASKS} tasks to simulate; use fewer ranks or the recurrences`,
      );
    }
    this.tasks.push({ resource, durationMs, after });
    return this.tasks.length - 1;
  }

  /** The end of the task that was added last. */
  run(): number {
    return runTasks(this.tasks)[this.tasks.length - 1] as number;
  }
}

/** A frame on its way: the task that ends when it is in, and what it is. */
type Frame = { readonly task: number; readonly layer: number; readonly bytes: number };

/** Milliseconds to the first token of a chain. Resources: rank i computes on i, its link is i + ranks. */
export function chainByEvents(setup: Setup): number {
  const graph = new Graph();
  const last = setup.partition.length - 1;
  let incoming: Frame[] = [];
  for (let rank = 0; rank <= last; rank += 1) {
    const own = rankTasks(graph, setup, rank, incoming);
    if (rank === last) break;
    const joins = setup.policy.relay === 'store-and-forward';
    const frames = joins ? joinedFrames(graph, setup, rank, own, incoming) : [...own, ...incoming];
    incoming = frames.map((frame) => sendTask(graph, setup, rank, frame));
  }
  return graph.run();
}

/** A rank's compute, and on the last rank the tail. @returns its frames */
function rankTasks(graph: Graph, setup: Setup, rank: number, incoming: readonly Frame[]): Frame[] {
  const work = sliceWork(setup, rank, 'causal');
  const frames: Frame[] = [];
  let before: number[] = [];
  for (let layer = 0; layer < setup.times.layers; layer += 1) {
    const ends = layer === 0 ? work.firstEnds : work.layerEnds;
    const prefix = layer === 0 ? [] : incoming.filter((frame) => frame.layer === layer - 1);
    for (const [chunk, end] of ends.entries()) {
      const after = chunk === 0 ? [...before, ...prefix.map((frame) => frame.task)] : before;
      const task = graph.add(rank, end - (ends[chunk - 1] ?? 0), after);
      const bytes = work.chunkBytes[chunk] ?? 0;
      const pieces = piecesOf(setup, bytes, ends.length);
      for (let piece = 0; piece < pieces; piece += 1) frames.push({ task, layer, bytes: bytes / pieces });
      before = [task];
    }
  }
  if (rank === setup.partition.length - 1) {
    const prefix = incoming.filter((frame) => frame.layer === setup.times.layers - 1);
    graph.add(rank, tailTimes(setup, 'causal').tailMs, [...before, ...prefix.map((frame) => frame.task)]);
  }
  return frames;
}

/** Store and forward: one frame a layer, after all of its parts. */
function joinedFrames(
  graph: Graph,
  setup: Setup,
  rank: number,
  own: readonly Frame[],
  incoming: readonly Frame[],
): Frame[] {
  const end = setup.partition[rank]?.end ?? 0;
  return Array.from({ length: setup.times.layers }, (_, layer) => {
    const parts = [...own, ...incoming].filter((frame) => frame.layer === layer).map((frame) => frame.task);
    return { task: graph.add(undefined, 0, parts), layer, bytes: end * setup.times.kvBytes };
  });
}

function sendTask(graph: Graph, setup: Setup, rank: number, frame: Frame): Frame {
  const carried = carryMs(setup.cluster, rank, frame.layer, frame.bytes);
  const sent = graph.add(rank + setup.partition.length, carried, [frame.task]);
  return { ...frame, task: graph.add(undefined, setup.cluster.link.latencyMs, [sent]) };
}

/** Milliseconds to the first token of TSP: a barrier task a layer. */
export function gatherByEvents(setup: Setup, masking: Masking): number {
  const graph = new Graph();
  const works = setup.partition.map((_, rank) => sliceWork(setup, rank, masking));
  let barrier: number[] = [];
  for (let layer = 0; layer < setup.times.layers; layer += 1) {
    const computed = works.map((work, rank) => {
      const ends = layer === 0 ? work.firstEnds : work.layerEnds;
      return graph.add(rank, ends[ends.length - 1] ?? 0, barrier);
    });
    barrier = [graph.add(undefined, gatherMs(setup, layer), computed)];
  }
  graph.add(works.length - 1, tailTimes(setup, masking).tailMs, barrier);
  return graph.run();
}

/** Milliseconds to the first token of ring attention: compute and send of a step at once, the next after both. */
export function ringByEvents(setup: Setup, kind: RingKind): number {
  const graph = new Graph();
  const ranks = setup.partition.length;
  const { layers } = setup.times;
  const tokens = setup.contextTokens / ranks;
  const steps = stepTimes(setup, kind, tokens);
  let before = steps.map((_, rank) => [graph.add(rank, setup.times.firstBlockMs(tokens), [])]);
  for (let layer = 0; layer < layers; layer += 1) {
    for (let step = 0; step < ranks; step += 1) {
      const computed = steps.map((row, rank) => graph.add(rank, row[step] ?? 0, before[rank] ?? []));
      const bytes = tokens * setup.times.kvBytes;
      const sent = steps.map((_, rank) => {
        if (step === ranks - 1) return [];
        const ms = carryMs(setup.cluster, rank, layer, bytes) + setup.cluster.link.latencyMs;
        return [graph.add(undefined, ms, before[rank] ?? [])];
      });
      before = computed.map((task, rank) => [
        task,
        ...(sent[rank] ?? []),
        ...(sent[(rank + ranks - 1) % ranks] ?? []),
      ]);
    }
    const blockMs = layer === layers - 1 ? setup.times.restBlockMs(tokens) : setup.times.blockMs(tokens);
    before = before.map((after, rank) => [graph.add(rank, blockMs, after)]);
  }
  graph.add(undefined, setup.times.headMs, before[kind === 'plain' ? ranks - 1 : 0] ?? []);
  return graph.run();
}

/** Milliseconds to the first token of a chunked pipeline. */
export function pipelineByEvents(setup: Setup): number {
  const graph = new Graph();
  const { times, cluster, policy } = setup;
  const stages = Math.min(setup.partition.length, times.layers);
  const chunks = pipelineChunks(setup, stages);
  let arrivals: number[][] = chunks.map(() => []);
  for (let stage = 0; stage < stages; stage += 1) {
    const layers = stageLayers(times.layers, stages, stage);
    let [prefix, before] = [0, [] as number[]];
    arrivals = chunks.map((tokens, chunk) => {
      const ms = layers * (times.attentionMs(sliceScores(tokens, prefix, policy)) + times.blockMs(tokens));
      const task = graph.add(stage, ms, [...(arrivals[chunk] ?? []), ...before]);
      [prefix, before] = [prefix + tokens, [task]];
      if (stage === stages - 1) return [task];
      const sent = graph.add(stage + stages, carryMs(cluster, stage, chunk, tokens * times.hiddenBytes), [
        task,
      ]);
      return [graph.add(undefined, cluster.link.latencyMs, [sent])];
    });
  }
  graph.add(undefined, times.headMs, arrivals[arrivals.length - 1] ?? []);
  return graph.run();
}
