/**
 * Where a worker listens: a unix socket's path or a TCP host and port.
 */
import { KvrError } from '../core/errors.js';

export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

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

/**
 * True where frames carry checksums. TCP's own check is 16 bits: what cables, cards and switches damage gets past it now and
 * then. Bytes of a unix socket never leave the kernel's memory.
 */
export function isChecksummed({ kind }: Address): boolean {
  return kind === 'tcp';
}
