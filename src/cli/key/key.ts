/**
 * `kvr key`: makes the key that the machines of one cluster share.
 */
import { newClusterKey } from '../../link/security/cluster-key.js';
import type { Command } from '../run/command.js';
import type { Shell } from '../terminal/shell.js';

export const key: Command<Record<string, never>> = {
  flags: () => [],
  epilogue: `Prints a new key: 32 random bytes as one line. Give the same one to kvr worker on every machine and to whatever uses
them, with --cluster-key-file or in KVR_CLUSTER_KEY. Whoever has it can use the workers and read what they are sent.

Example:
  (umask 077; kvr key > room.key)
  kvr worker --listen 0.0.0.0:7001 --model quote --cluster-key-file room.key`,
  run: (_flags: Record<string, never>, _argument: string | undefined, shell: Shell): Promise<void> => {
    shell.stdout.write(`${newClusterKey()}\n`);
    return Promise.resolve();
  },
};
