/**
 * Whether a caller may have the name that it gives. Names are given freely, by engines to themselves and to their workers, so
 * that a name belongs to the process that has it first, for as long as it is connected. Processes can be told apart where links
 * are secured. Pure.
 */
import { KvrError } from '../../../core/errors.js';
import type { ToWorker } from '../../protocol/index.js';
import type { Connection } from './connection.js';

type Hello = Extract<ToWorker, { type: 'hello' }>;

/** @throws PROTOCOL where another process has the name. A process that comes again may not wait for its own end to be noticed. */
export function checkClaim(caller: Connection, hello: Hello, all: Iterable<Connection>): void {
  const identity = caller.link.peerIdentity;
  if (identity === undefined) return;
  const owner = [...all].find((each) => each !== caller && hasName(each, hello) && !each.link.isClosed);
  const proved = owner?.link.peerIdentity;
  if (proved === undefined || proved === identity) return;
  const message = `the name ${hello.worker} belongs to another process, which is connected`;
  throw new KvrError('PROTOCOL', message, { refusal: 'name' });
}

function hasName({ role, worker, engine }: Connection, hello: Hello): boolean {
  if (role !== hello.role || worker !== hello.worker) return false;
  return role === 'engine' || engine === hello.engine;
}
