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
import { noExchange } from './exchange.js';
import type { Phase } from './protocol.js';
import { runPrompt } from './rank-loop.js';
import type { ComputeSettings, FromCompute } from './thread-messages.js';

async function main(port: MessagePort, settings: ComputeSettings): Promise<void> {
  const model = await openModel(port, settings);
  if (!model) return;
  const desk = new Desk(port, settings, model.shape);
  for (let request = desk.next(); request; request = desk.next()) {
    await serve(model, request, desk, settings.chunkTokens);
    desk.release(request);
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
  }
}

function exchangeFor(model: Model, request: ActiveRequest, desk: Desk): ChainExchange | typeof noExchange {
  switch (request.job.strategy) {
    case 'single':
      return noExchange;
    case 'kvr':
      return new ChainExchange(desk, request, model.shape.kvHeads * model.shape.headDim);
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
