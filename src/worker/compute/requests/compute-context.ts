/**
 * What the loops of a compute thread work with; made once by compute-thread.ts.
 */
import type { BackendModel } from '../../../runtime/backend/backend.js';
import type { PendingBlocks } from '../stored/pending-blocks.js';
import type { StoredRows } from '../stored/stored-rows.js';
import type { Outbox } from '../../threads/outbox.js';
import type { Grammars } from './grammars.js';
import type { HeldRequests } from './held-requests.js';
import type { Inbox } from './inbox.js';

export type ComputeContext = {
  readonly model: BackendModel;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly requests: HeldRequests;
  readonly grammars: Grammars;
  /** Where prefixes are kept on disk as well. */
  readonly disk?: Disk | undefined;
};

/** Both ways between caches and the disk. */
export type Disk = { readonly rows: StoredRows; readonly pending: PendingBlocks };
