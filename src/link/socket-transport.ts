/**
 * Unix sockets and plain TCP: the two transports that node:net has.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { KvrError } from '../core/errors.js';
import { type Address, formatAddress, isChecksummed } from './address.js';
import { SocketLink } from './socket-link.js';
import { CONNECT_TIMEOUT_MS, type Listener, type Transport } from './transport.js';

export const socketTransport: Transport = {
  async dial(address, signal) {
    const socket = await connected(address, signal);
    return (handlers) => new SocketLink(socket, handlers, isChecksummed(address));
  },
  listen(address, onCaller, onFull) {
    const server = createServer((socket) => {
      // Nobody else listens to it before it is a link.
      socket.on('error', () => undefined);
      onCaller((handlers) => new SocketLink(socket, handlers, isChecksummed(address)), socket.remoteAddress);
    });
    return listening(server, address, onFull);
  },
};

function connected(address: Address, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(optionsOf(address));
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', settle);
      if (!error) return resolve(socket);
      socket.destroy();
      reject(notConnected(address, error, signal?.aborted === true));
    };
    const onAbort = (): void => settle(new Error('cancelled'));
    const late = new Error(`no answer in ${CONNECT_TIMEOUT_MS} ms`);
    const timer = setTimeout(() => settle(late), CONNECT_TIMEOUT_MS);
    socket.once('connect', () => settle());
    socket.once('error', settle);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

function notConnected(address: Address, error: Error, isCancelled: boolean): KvrError {
  const remedy = address.kind === 'unix' || isCancelled ? '' : '; see that a kvr worker listens there';
  const message = `no connection to ${formatAddress(address)}: ${error.message}${remedy}`;
  return new KvrError('LINK', message, {}, error);
}

function listening(
  server: Server,
  address: Address,
  onFull: ((error: Error) => void) | undefined,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `cannot listen on ${formatAddress(address)}: ${error.message}`;
      reject(new KvrError('BAD_INPUT', message, {}, error));
    });
    server.listen(optionsOf(address), () => {
      // Later errors are about one caller each (EMFILE, ECONNABORTED); the server itself goes on.
      server.removeAllListeners('error').on('error', (error) => onFull?.(error));
      resolve({ address: boundTo(server, address), close: () => void server.close() });
    });
  });
}

function boundTo(server: Server, address: Address): Address {
  const bound = server.address();
  const isTcp = address.kind === 'tcp' && bound !== null && typeof bound === 'object';
  return isTcp ? { ...address, port: bound.port } : address;
}

function optionsOf(
  address: Address,
): { readonly path: string } | { readonly host: string; readonly port: number } {
  return address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
}
