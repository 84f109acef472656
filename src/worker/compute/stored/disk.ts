/**
 * Both ways between caches and the disk, where prefixes are kept there as well.
 */
import type { ModelShape } from '../../../core/shape.js';
import { BlockFolder } from '../../../prefix-store/block-folder.js';
import type { Outbox } from '../../threads/outbox.js';
import { storedModel } from '../../threads/store-handle.js';
import type { ComputeSettings } from '../../threads/thread-messages.js';
import { type BlockSink, PendingBlocks } from './pending-blocks.js';
import { StoredRows } from './stored-rows.js';

export type Disk = {
  readonly rows: Pick<StoredRows, 'restore'>;
  readonly pending: Pick<PendingBlocks, 'add' | 'step' | 'turnOff'>;
};

/** @returns undefined where nothing is kept on disk */
export function openDisk(
  outbox: Outbox,
  shape: ModelShape,
  { prefixDisk, compiledFolder }: Pick<ComputeSettings, 'prefixDisk' | 'compiledFolder'>,
): Disk | undefined {
  if (!prefixDisk) return undefined;
  const folder = new BlockFolder(prefixDisk.folder, storedModel(compiledFolder));
  const sink: BlockSink = {
    get hasRoom() {
      return outbox.hasRoomToStore;
    },
    writeBlock: (block) => outbox.store({ type: 'write', block }),
  };
  return {
    rows: new StoredRows(folder, shape, (order) => outbox.store(order)),
    pending: new PendingBlocks(folder, shape, sink),
  };
}
