/**
 * A connection of a worker, whoever dialled: who is at the other end, and what is known of it.
 */
import type { Link } from '../../../link/link.js';

export type Connection = {
  role: 'unknown' | 'engine' | 'peer';
  /** The name of whoever is at the other end. */
  worker: string;
  /** The engine at the other end, or the one that the link between two workers is for. */
  engine: string;
  /** What that engine calls this worker. */
  own: string;
  readonly number: number;
  readonly link: Link;
  /** The caller's machine, or the engine's that this worker joins; undefined over a unix socket, and where it dialled another worker. */
  readonly host: string | undefined;
  readonly openedMs: number;
  /** When bytes last came. */
  lastHeardMs: number;
  /** Of the frame that is coming in. */
  unfinishedBytes: number;
  /** An engine has sent its vocabulary. */
  hasVocabulary: boolean;
};
