/**
 * Entry of a worker's compute thread: opens the model and lets the scheduler work. Blocks in kernel calls and while
 * there is nothing to do; sockets are the other thread's.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { asKvrError } from '../core/errors.js';
import { Model } from '../runtime/model.js';
import { Desk } from './desk.js';
import { warmUp } from './probe.js';
import { Scheduler } from './scheduler.js';
import type { ComputeSettings, FromCompute } from './thread-messages.js';

async function main(port: MessagePort, settings: ComputeSettings): Promise<void> {
  const model = await openModel(port, settings);
  if (!model) return;
  const desk = new Desk(port, settings, model.shape);
  // Mapping a model's pages takes a while; better before the first request than in it, as long as there is none.
  await warmUp(model, settings.chunkTokens, 'f32', () => desk.isIdle);
  await new Scheduler(model, desk, settings.chunkTokens).run();
  await model.close();
  port.close();
}

async function openModel(port: MessagePort, settings: ComputeSettings): Promise<Model | undefined> {
  try {
    const { compiledFolder, threads, decodeThreads } = settings;
    const model = await Model.open(compiledFolder, threads, decodeThreads);
    const { digest, dtype, shape } = model.manifest;
    port.postMessage({ type: 'ready', digest, dtype, shape } satisfies FromCompute);
    return model;
  } catch (error) {
    const { code, message } = asKvrError(error);
    port.postMessage({ type: 'failed', code, message, phase: 'load' } satisfies FromCompute);
    return undefined;
  }
}

if (!parentPort) throw new Error('compute-thread is started by a worker, not by hand');
await main(parentPort, workerData as ComputeSettings);
