/**
 * Sends messages of a worker: one control frame each; a failure with its code, message and phase.
 */
import { asKvrError } from '../../core/errors.js';
import { controlFrame } from '../../link/frame.js';
import type { Link } from '../../link/link.js';
import type { FromWorker, Phase } from '../protocol/index.js';

export function send(link: Link, message: FromWorker, payload?: Uint8Array<ArrayBuffer>): void {
  link.send(controlFrame(message, payload));
}

/** @param about without a request where the failure concerns the worker, or the links it was asked to open */
export function sendFailure(
  link: Link,
  error: unknown,
  about: { readonly phase: Phase; readonly request?: number },
): void {
  const { code, message } = asKvrError(error);
  send(link, { type: 'failed', code, message, ...about });
}
