/**
 * Where this machine is found by others.
 */
import { networkInterfaces } from 'node:os';

/** The first IPv4 address that leads out of this machine; undefined where none does. */
export function outsideAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}
