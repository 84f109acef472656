/**
 * Who may listen where: beyond this machine only with a key or certificates, or where somebody says that he wants it without.
 */
import { KvrError } from '../../core/errors.js';
import { type Address, formatAddress, isLoopback } from '../address.js';
import type { LinkSecurity } from '../security/link-security.js';

/**
 * @param flag what the user gave the address with
 * @throws BAD_INPUT where other machines can reach the address, and neither a key nor --insecure is given
 */
export function checkListenReach(
  flag: string,
  address: Address,
  security: LinkSecurity | undefined,
  insecure: boolean,
): void {
  if (insecure || security || address.kind === 'unix' || isLoopback(address.host)) return;
  throw new KvrError(
    'BAD_INPUT',
    `${flag} ${formatAddress(address)} can be reached from other machines; make a key with "kvr key > room.key" and give --cluster-key-file room.key on all machines, or --insecure on a network you trust`,
  );
}
