/**
 * Entry of a worker's compute thread: opens the model, then works on one request after the other. Blocks in kernel
 * calls and while it waits; sockets are the other thread's.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { asKvrError, KvrError } from '../core/errors.js';
import { Model } from '../runtime/model.js';
import { ChainExchange } from './chain-exchange.js';
import { runDecode } from './decode-loop.js';
import { type ActiveRequest, Desk } from './desk.js';
import { type Exchange, noExchange } from './exchange.js';
import { GatherExchange } from './gather-exchange.js';
import { probeModel, warmUp } from './probe.js';
import type { Phase, ProbeMessage } from './protocol.js';
import { runPrompt } from './rank-loop.js';
import type { ComputeSettings, FromCompute } from './thread-messages.js';

async function main(port: MessagePort, settings: ComputeSettings): Promise<void> {
  const model = await openModel(port, settings);
  if (!model) return;
  const desk = new Desk(port, settings, model.shape);
  // Mapping a model's pages takes a while; better before the first request than in it, as long as there is none.
  await warmUp(model, settings.chunkTokens, () => desk.isIdle);
  for (let work = desk.next(); work; work = desk.next()) {
    if (work.type === 'probe') await measure(model, work.probe, desk);
    else await serve(model, work.request, desk, settings.chunkTokens);
  }
  await model.close();
  port.close();
}

async function openModel(port: MessagePort, settings: ComputeSettings): Promise<Model | undefined> {
  try {
    const model = await Model.open(settings.compiledFolder, settings.threads);
    const { digest, dtype, shape } = model.manifest;
    port.postMessage({ type: 'ready', digest, dtype, shape } satisfies FromCompute);
    return model;
  } catch (error) {
    const { code, message } = asKvrError(error);
    port.postMessage({ type: 'failed', code, message, phase: 'load' } satisfies FromCompute);
    return undefined;
  }
}

/** One request, from its slice to its last token; every way it can end is reported once. */
async function serve(model: Model, request: ActiveRequest, desk: Desk, chunkTokens: number): Promise<void> {
  const { job, rank, slice, recorder } = request;
  let phase: Phase = 'prefill';
  try {
    const logits = await runPrompt(model, request, exchangeFor(model, request, desk), desk, chunkTokens);
    desk.tell({ type: 'prefilled', request: job.request, timeline: recorder.timeline(rank, slice) });
    if (!logits) return;
    phase = 'decode';
    const reason = await runDecode(model, request, logits, desk);
    desk.tell({ type: 'finished', request: job.request, reason });
  } catch (error) {
    reportEnd(error, job.request, phase, desk);
  } finally {
    desk.release(request);
  }
}

async function measure(model: Model, probe: ProbeMessage, desk: Desk): Promise<void> {
  try {
    desk.tell({ type: 'probed', probe: probe.probe, samples: await probeModel(model, probe) });
  } catch (error) {
    const { code, message } = asKvrError(error);
    desk.tell({ type: 'failed', code, message, phase: 'load' });
  }
}

function exchangeFor(model: Model, request: ActiveRequest, desk: Desk): Exchange {
  const rowFloats = model.shape.kvHeads * model.shape.headDim;
  switch (request.job.strategy) {
    case 'single':
      return noExchange;
    case 'kvr':
      return new ChainExchange(desk, request, rowFloats);
    case 'tsp':
    case 'tsp-dense':
      return new GatherExchange(desk, request, rowFloats);
  }
}

function reportEnd(error: unknown, request: number, phase: Phase, desk: Desk): void {
  if (error instanceof KvrError && error.code === 'CANCELLED') {
    desk.tell({ type: 'finished', request, reason: 'cancelled' });
    return;
  }
  const { code, message } = asKvrError(error);
  desk.tell({ type: 'failed', request, code, message, phase });
}

if (!parentPort) throw new Error('compute-thread is started by a worker, not by hand');
await main(parentPort, workerData as ComputeSettings);
