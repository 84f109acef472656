/**
 * What TLS tells of the other end.
 */
import type { TLSSocket } from 'node:tls';

/** The digest of the certificate that the other end proved to own: SHA-256, as hexadecimal digits between colons. */
export function identityOf(socket: TLSSocket): string | undefined {
  return socket.getPeerX509Certificate()?.fingerprint256;
}
