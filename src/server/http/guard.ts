/**
 * Who may ask at all: the API key, and for a server on loopback the name it was asked by.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { KvrError } from '../../core/errors.js';
import { isLoopback } from '../../link/address.js';

/** @returns a check of a request's Authorization header. @throws UNAUTHORIZED */
export function keyCheck(apiKey: string | undefined): (authorization: string | undefined) => void {
  if (apiKey === undefined) return () => undefined;
  const expected = digest(apiKey);
  return (authorization) => {
    const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (given === undefined)
      throw new KvrError('UNAUTHORIZED', 'no API key was given; send it as "Authorization: Bearer KEY"');
    // Digests have one length, and comparing them tells nothing of how far a guess was right.
    if (!timingSafeEqual(digest(given), expected))
      throw new KvrError('UNAUTHORIZED', 'the API key is wrong; send the one the server was started with');
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * A page elsewhere can point a name of its own at this machine and then read answers as its own: on loopback only
 * names of loopback are answered. @throws FORBIDDEN
 */
export function hostCheck(host: string): (header: string | undefined) => void {
  if (!isLoopback(host)) return () => undefined;
  return (header = '') => {
    const name = header.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
    if (isLoopback(name)) return;
    const message = `this server answers to localhost, not to "${name.slice(0, 60)}"; use its own address`;
    throw new KvrError('FORBIDDEN', message);
  };
}
