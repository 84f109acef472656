/**
 * The command that makes a worker join, as one types it on another machine.
 */
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { type Address, formatAddress } from '../../link/address.js';
import { outsideAddress } from '../../link/reach/outside-address.js';
import type { LinkSecurity } from '../../link/security/link-security.js';
import { DEFAULT_ROOM, type RoomAddress, shownServers } from '../room/room-address.js';

/** @param address where the engine listens */
export function invitationTo(address: Address, security: LinkSecurity | undefined): string {
  return ['kvr worker --join', formatAddress(reachable(address)), ...keyWords(security)].join(' ');
}

/** Passwords are left out: they are to be added by whoever types it. */
export function invitationInto(room: RoomAddress, security: LinkSecurity | undefined): string {
  const named = room.name === DEFAULT_ROOM ? [] : ['--room', room.name];
  const credentials =
    room.credentialsFile === undefined ? [] : ['--nats-creds', basename(room.credentialsFile)];
  const words = ['kvr worker --cluster', shownServers(room), ...named, ...credentials];
  return [...words, ...keyWords(security)].join(' ');
}

/** Who listens at every address is found at the first that leads out of this machine. */
function reachable(address: Address): Address {
  if (address.kind !== 'tcp' || (address.host !== '0.0.0.0' && address.host !== '::')) return address;
  return { ...address, host: outsideAddress() ?? hostname() };
}

/** Files are named as they are here: where they lie on the other machine is not known. */
function keyWords(security: LinkSecurity | undefined): string[] {
  switch (security?.kind) {
    case undefined:
    case 'key-variable':
      return [];
    case 'key-file':
      return ['--cluster-key-file', basename(security.path)];
    case 'certificates':
      return ['--tls-cert CERT --tls-key KEY --tls-ca', basename(security.ca)];
  }
}
