/**
 * Where a worker listens: a unix socket's path or a TCP host and port, and connecting to it in bounded time.
 */
import { connect, type Socket } from 'node:net';
import { KvrError } from '../core/errors.js';

export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** A peer on an ordinary network answers in far less. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** Reads `unix:/path`, `host:port` or `[v6]:port`. @throws BAD_INPUT */
export function parseAddress(text: string): Address {
  if (/^unix:./.test(text)) return { kind: 'unix', path: text.slice('unix:'.length) };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || port > 65_535) {
    throw new KvrError(
      'BAD_INPUT',
      `worker address "${text}" is neither HOST:PORT with a port of 0 to 65535 nor unix:PATH`,
    );
  }
  return { kind: 'tcp', host, port };
}

export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** True for hosts that no other machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** @returns a connected socket. @throws LINK with the address and the reason, also after CONNECT_TIMEOUT_MS. */
export function connectTo(address: Address, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket =
      address.kind === 'unix'
        ? connect({ path: address.path })
        : connect({ host: address.host, port: address.port });
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', settle);
      if (!error) return resolve(socket);
      socket.destroy();
      const remedy =
        address.kind === 'unix' || signal?.aborted ? '' : '; see that a kvr worker listens there';
      const message = `no connection to ${formatAddress(address)}: ${error.message}${remedy}`;
      reject(new KvrError('LINK', message, {}, error));
    };
    const onAbort = (): void => settle(new Error('cancelled'));
    const timer = setTimeout(
      () => settle(new Error(`no answer in ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    socket.once('connect', () => settle());
    socket.once('error', settle);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}
