/**
 * The transport of an address: by its kind, and by how links over a network are secured.
 */
import type { Address } from './address.js';
import { type LinkSecurity, openIdentity } from './security/link-security.js';
import { socketTransport } from './socket-transport.js';
import type { Transport } from './transport.js';

/** Unix sockets never leave the machine and stay plain. */
export type TransportOf = (address: Address) => Transport;

/** Without security. */
export const plainTransports: TransportOf = () => socketTransport;

/** @param security undefined for none. @throws BAD_INPUT where a secret can not be read */
export async function openTransports(security: LinkSecurity | undefined): Promise<TransportOf> {
  if (!security) return plainTransports;
  // Who needs no TLS does not wait for it to be loaded.
  const { tlsTransport } = await import('./tls-transport.js');
  const secured = tlsTransport(await openIdentity(security));
  return ({ kind }) => (kind === 'tcp' ? secured : socketTransport);
}
