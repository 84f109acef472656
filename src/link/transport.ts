/**
 * A transport: how links come about, by dialling and by listening. One file a kind, one conformance suite
 * (transport.test.ts); open-transport.ts chooses by the address. What goes over the links is not its matter.
 */
import type { Address } from './address.js';
import type { Link, LinkHandlers } from './link.js';

/** Makes a link of a connection that stands. Call it at once and once: nothing is read before. */
export type OpenLink = (handlers: LinkHandlers) => Link;

/** Takes a connection that came in. @param host the caller's machine; undefined over a unix socket */
export type OnCaller = (open: OpenLink, host: string | undefined) => void;

export interface Listener {
  /** Where it listens, with the port the system chose where 0 was asked for. */
  readonly address: Address;
  /** Takes no more callers; links that stand are left alone. Twice is harmless. */
  close(): void;
}

export interface Transport {
  /** @throws LINK with the address and the reason, also after CONNECT_TIMEOUT_MS and when the signal is aborted */
  dial(address: Address, signal?: AbortSignal): Promise<OpenLink>;
  /**
   * @param onCaller called for every connection that comes in
   * @param onFull called where one could not be taken, as for want of descriptors; the listener goes on
   * @throws BAD_INPUT
   */
  listen(address: Address, onCaller: OnCaller, onFull?: (error: Error) => void): Promise<Listener>;
}

/** A peer on an ordinary network answers in far less. */
export const CONNECT_TIMEOUT_MS = 5_000;
