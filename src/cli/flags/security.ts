/**
 * How links over a network are secured: a cluster key, or an organisation's certificates.
 */
import { Option } from 'commander';
import { KvrError } from '../../core/errors.js';
import { KEY_VARIABLE } from '../../link/security/cluster-key.js';
import type { LinkSecurity } from '../../link/security/link-security.js';
import { notEmpty } from './kinds.js';

export type SecurityFlags = {
  readonly clusterKeyFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
};

export const securityFlags = (): Option[] => [
  pathFlag(
    '--cluster-key-file <FILE>',
    `the key that all machines of the cluster share (kvr key makes one); links over a network are then TLS; or give the key as ${KEY_VARIABLE}`,
  ),
  pathFlag('--tls-cert <FILE>', "instead of a key: this machine's certificate, as PEM"),
  pathFlag('--tls-key <FILE>', 'its private key, as PEM'),
  pathFlag('--tls-ca <FILE>', 'the authority whose certificates the others must show, as PEM'),
];

function pathFlag(flags: string, description: string): Option {
  const name = flags.split(' ')[0] ?? flags;
  return new Option(flags, description).argParser((text) => notEmpty(name, text));
}

/** @returns undefined where nothing was given. @throws BAD_INPUT where flags contradict each other */
export function linkSecurity(flags: SecurityFlags): LinkSecurity | undefined {
  const { clusterKeyFile, tlsCert: cert, tlsKey: key, tlsCa: ca } = flags;
  const given = [cert, key, ca].filter((file) => file !== undefined).length;
  if (given > 0 && clusterKeyFile !== undefined)
    throw new KvrError('BAD_INPUT', '--cluster-key-file and --tls-cert exclude each other; give one of them');
  if (cert !== undefined && key !== undefined && ca !== undefined)
    return { kind: 'certificates', cert, key, ca };
  if (given > 0)
    throw new KvrError('BAD_INPUT', '--tls-cert, --tls-key and --tls-ca belong together; give all three');
  if (clusterKeyFile !== undefined) return { kind: 'key-file', path: clusterKeyFile };
  return process.env[KEY_VARIABLE] ? { kind: 'key-variable' } : undefined;
}
