/**
 * Entry of a worker's store thread: writes blocks of rows to the disk, one after the other, where neither kernels nor sockets wait
 * for it. Started where a folder for them is given.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { BlockFolder } from '../prefix-store/block-folder.js';
import { BlockWriter } from '../prefix-store/block-writer.js';
import { wakeCompute } from './threads/mailbox.js';
import type { FromStore, StoreSettings, ToStore } from './threads/store-messages.js';
import { COUNTERS, kib } from './threads/thread-messages.js';

function main(port: MessagePort, { folder, model, bytes, hasWindows, counters }: StoreSettings): void {
  const words = new Int32Array(counters);
  const send = (message: FromStore): void => port.postMessage(message);
  const writer = new BlockWriter(
    new BlockFolder(folder, model),
    { limitBytes: bytes, hasWindows },
    {
      onStored: (blocks) => send({ type: 'stored', blocks }),
      onGone: (hashes) => send({ type: 'gone', hashes }),
      onWarning: (warning) => send({ type: 'warning', words: warning }),
    },
  );
  const obey = async (order: ToStore): Promise<void> => {
    await carryOut(writer, order);
    if (order.type !== 'write') return;
    Atomics.sub(words, COUNTERS.unwrittenKib, kib(order.block.rows.byteLength));
    // It may be asleep since too much was unwritten.
    wakeCompute(words);
    if (writer.isOff) send({ type: 'off' });
  };
  let last = writer.open().then(() => send({ type: 'open' }));
  port.on('message', (order: ToStore) => {
    last = last.then(() => obey(order));
  });
}

function carryOut(writer: BlockWriter, order: ToStore): Promise<void> {
  switch (order.type) {
    case 'write':
      return writer.write(order.block);
    case 'used':
      return writer.noteUse(order.blocks);
    case 'lost':
      return writer.drop(order.hash, order.isDamaged);
  }
}

if (!parentPort) throw new Error('store-thread is started by a worker, not by hand');
main(parentPort, workerData as StoreSettings);
