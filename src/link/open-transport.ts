/**
 * The transport of an address, by its kind.
 */
import type { Address } from './address.js';
import { socketTransport } from './socket-transport.js';
import type { Transport } from './transport.js';

const TRANSPORTS: Readonly<Record<Address['kind'], Transport>> = {
  unix: socketTransport,
  tcp: socketTransport,
};

export function transportOf(address: Address): Transport {
  return TRANSPORTS[address.kind];
}
