/**
 * TCP under TLS 1.3, where both ends prove who they are: every connection has keys of its own (ECDHE), and a recording can
 * neither be read nor be sent again. docs/security.md says why it is done like this.
 */
import { createServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createServer as createTlsServer,
  type Server as TlsServer,
  type TlsOptions,
  type TLSSocket,
} from 'node:tls';
import { KvrError } from '../core/errors.js';
import type { Address } from './address.js';
import { PROTOCOL_VERSION } from './frame.js';
import type { Identity } from './security/identity.js';
import { SocketLink } from './socket-link.js';
import { connected, listening } from './socket-transport.js';
import { identityOf, TlsCaller } from './tls-caller.js';
import type { Transport } from './transport.js';

type TcpAddress = Extract<Address, { kind: 'tcp' }>;

/** The fastest with forward secrecy first (docs/security.md); processors without AES take the second. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';
/** Keeps servers and clients of another protocol under the same certificates apart. */
const PROTOCOLS = [`kv-runahead/${PROTOCOL_VERSION}`];
const REMEDY = 'both ends need the same --cluster-key-file, or certificates of the same --tls-ca';

/** @throws BAD_INPUT for certificates and keys that do not fit together */
export function tlsTransport(identity: Identity): Transport {
  const { checksHosts, ...pem } = identity;
  const options: TlsOptions & ConnectionOptions = {
    ...{ ...pem, ciphers: CIPHERS, minVersion: 'TLSv1.3', ALPNProtocols: PROTOCOLS },
    rejectUnauthorized: true,
  };
  const server = newTlsServer(options);
  const hosts = checksHosts ? {} : ANY_HOST;
  return {
    async dial(address, signal) {
      const { host, port } = address as TcpAddress;
      const secured = connect({ ...options, ...hosts, host, port });
      await connected(secured, 'secureConnect', address, REMEDY, signal);
      return (handlers) => new SocketLink(secured, handlers, false, identityOf(secured));
    },
    listen(address, onCaller, onFull) {
      const take = (socket: Socket): void => {
        socket.on('error', () => undefined);
        onCaller((handlers) => server.admit(socket, new TlsCaller(socket, handlers)), socket.remoteAddress);
      };
      return listening(createServer(take), address, onFull);
    },
  };
}

/** The authority signs for processes, whatever the machines' addresses are. */
const ANY_HOST: ConnectionOptions = { checkServerIdentity: () => undefined };

/** Puts TLS on connections that came in. */
type Admission = { admit(socket: Socket, caller: TlsCaller): TlsCaller };

function newTlsServer(options: TlsOptions): Admission {
  const callers = new Map<string, TlsCaller>();
  const server = tlsServer({ ...options, requestCert: true });
  server.on('secureConnection', (secured) => {
    const caller = callers.get(endsOf(secured));
    if (caller) caller.prove(secured);
    else secured.destroy();
  });
  server.on('tlsClientError', (error, socket) => callers.get(endsOf(socket))?.refuse(unproved(error)));
  return {
    admit(socket, caller) {
      const ends = endsOf(socket);
      callers.set(ends, caller);
      socket.once('close', () => callers.delete(ends));
      server.emit('connection', socket);
      return caller;
    },
  };
}

function tlsServer(options: TlsOptions): TlsServer {
  try {
    return createTlsServer(options);
  } catch (error) {
    const message = `the certificate and its key can not be used: ${(error as Error).message}; give PEM files that fit together`;
    throw new KvrError('BAD_INPUT', message, {}, error);
  }
}

/** Of all connections that stand, only one has these two ends. */
function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket | TLSSocket): string {
  return [localAddress, localPort, remoteAddress, remotePort].join(' ');
}

/** What keeps a caller out, for the log: `refusal` is what is counted. */
function unproved(error: Error): KvrError {
  return new KvrError(
    'LINK',
    `no proof of the cluster key: ${error.message}`,
    { refusal: 'handshake' },
    error,
  );
}
