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
    const socket = connect(optionsOf(address));
    await connected(socket, 'connect', address, 'see that a kvr worker listens there', signal);
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

/**
 * Waits until a socket that was just made is connected. @param event that says so. @param remedy for TCP
 * @throws LINK with the address and the reason; the socket is destroyed then
 */
export function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  address: Address,
  remedy: string,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', settle);
      if (!error) return resolve();
      socket.on('error', () => undefined).destroy();
      const isPlain = address.kind === 'unix' || signal?.aborted === true;
      reject(notConnected(address, error, isPlain ? '' : `; ${remedy}`));
    };
    const onAbort = (): void => settle(new Error('cancelled'));
    const late = new Error(`no answer in ${CONNECT_TIMEOUT_MS} ms`);
    const timer = setTimeout(() => settle(late), CONNECT_TIMEOUT_MS);
    socket.once(event, () => settle());
    socket.once('error', settle);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

function notConnected(address: Address, error: Error, remedy: string): KvrError {
  const message = `no connection to ${formatAddress(address)}: ${error.message}${remedy}`;
  return new KvrError('LINK', message, {}, error);
}

/** Begins to listen. @throws BAD_INPUT */
export function listening(
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
