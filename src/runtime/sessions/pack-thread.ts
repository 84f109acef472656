/**
 * Entry of a thread that packs graphs, one after the other, while the program's own converts the next. Started by packing-threads.
 */
import { parentPort } from 'node:worker_threads';
import { firstLine, KvrError } from '../../core/errors.js';
import { prepack } from './pack.js';
import type { PackAnswer, PackTask } from './pack-messages.js';

if (!parentPort) throw new Error('pack-thread is started by a compilation, not by hand');
const port = parentPort;
port.on('message', ({ source, target }: PackTask) => void answer(source, target));

async function answer(source: string, target: string): Promise<void> {
  port.postMessage(await packed(source, target));
}

async function packed(source: string, target: string): Promise<PackAnswer> {
  try {
    return { isPacked: await prepack(source, target) };
  } catch (error) {
    const message = firstLine(error instanceof Error ? error.message : String(error));
    return { failure: { message, ...(error instanceof KvrError && { code: error.code }) } };
  }
}
