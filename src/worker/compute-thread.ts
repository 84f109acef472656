/**
 * Entry of a worker's compute thread: opens the model and lets the scheduler work. Blocks in kernel calls and while
 * there is nothing to do; sockets are the other thread's.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { BackendModel } from '../runtime/backend/backend.js';
import { openModel } from '../runtime/open-model.js';
import { warmUp } from './compute/probe.js';
import { openDisk } from './compute/stored/disk.js';
import { Grammars } from './compute/requests/grammars.js';
import { HeldRequests } from './compute/requests/held-requests.js';
import { Inbox } from './compute/requests/inbox.js';
import { Scheduler } from './compute/scheduler.js';
import { Mailbox } from './threads/mailbox.js';
import { Outbox } from './threads/outbox.js';
import type { ComputeSettings } from './threads/thread-messages.js';

async function main(port: MessagePort, settings: ComputeSettings): Promise<void> {
  const counters = new Int32Array(settings.counters);
  const outbox = new Outbox(port, counters);
  const model = await openAndSay(outbox, settings);
  if (!model) return;
  const disk = openDisk(outbox, model.shape, settings);
  const requests = new HeldRequests(model, settings, outbox, disk?.pending);
  const grammars = new Grammars();
  const mailbox = new Mailbox(port, counters);
  const inbox = new Inbox(model.shape, {
    ...{ mailbox, outbox, requests, grammars },
    pending: disk?.pending,
  });
  // Mapping a model's pages takes a while; better before the first request than in it, as long as there is none.
  await warmUp(model, settings.chunkTokens, 'f32', () => inbox.isIdle());
  outbox.send({ type: 'warm' });
  const context = { model, inbox, outbox, requests, grammars };
  await new Scheduler(context, settings.chunkTokens, undefined, undefined, disk).run();
  await model.close();
  port.close();
}

async function openAndSay(outbox: Outbox, settings: ComputeSettings): Promise<BackendModel | undefined> {
  try {
    const { compiledFolder, threads, decodeThreads } = settings;
    const model = await openModel('cpu', compiledFolder, { threads, allCoreThreads: decodeThreads });
    const { digest, dtype, shape } = model;
    outbox.send({ type: 'ready', digest, dtype, shape });
    return model;
  } catch (error) {
    outbox.sendFailure(error, { phase: 'load' });
    return undefined;
  }
}

if (!parentPort) throw new Error('compute-thread is started by a worker, not by hand');
await main(parentPort, workerData as ComputeSettings);
