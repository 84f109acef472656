/**
 * What the loops of a compute thread work with; made once by compute-thread.ts.
 */
import type { BackendModel } from '../../../runtime/backend/backend.js';
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
};
