/**
 * Begins to listen on a worker's address.
 */
import type { Server } from 'node:net';
import { KvrError } from '../core/errors.js';
import { type Address, formatAddress } from './address.js';

/** @returns the address, with the port the system chose where 0 was asked for. @throws BAD_INPUT */
export function listenOn(server: Server, address: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `cannot listen on ${formatAddress(address)}: ${error.message}`;
      reject(new KvrError('BAD_INPUT', message, {}, error));
    });
    const onListening = (): void => resolve(boundTo(server, address));
    if (address.kind === 'unix') server.listen({ path: address.path }, onListening);
    else server.listen({ host: address.host, port: address.port }, onListening);
  });
}

function boundTo(server: Server, address: Address): Address {
  const bound = server.address();
  const isTcp = address.kind === 'tcp' && bound !== null && typeof bound === 'object';
  return isTcp ? { ...address, port: bound.port } : address;
}
