/**
 * How links over a network are secured, as a value that options and settings carry: it says where secrets are, and never holds
 * one. Opened once in each process.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { clusterKeyFromEnvironment, readClusterKey } from './cluster-key.js';
import { type Identity, identityFrom } from './identity.js';

const path = z.string().min(1).max(4096);

export const linkSecuritySchema = z.discriminatedUnion('kind', [
  /** The cluster key is in this file. */
  z.strictObject({ kind: z.literal('key-file'), path }),
  /** The cluster key is in KVR_CLUSTER_KEY. */
  z.strictObject({ kind: z.literal('key-variable') }),
  /** Certificates that an organisation made: PEM files. */
  z.strictObject({ kind: z.literal('certificates'), cert: path, key: path, ca: path }),
]);
export type LinkSecurity = z.infer<typeof linkSecuritySchema>;

/** Reads the secrets. @throws BAD_INPUT */
export async function openIdentity(security: LinkSecurity): Promise<Identity> {
  switch (security.kind) {
    case 'key-file':
      return identityFrom(await readClusterKey(security.path));
    case 'key-variable':
      return identityFrom(clusterKeyFromEnvironment());
    case 'certificates': {
      const [cert, key, ca] = await Promise.all(
        (['cert', 'key', 'ca'] as const).map((file) => readPem(`--tls-${file}`, security[file])),
      );
      return { ca: ca ?? '', cert: cert ?? '', key: key ?? '', checksHosts: true };
    }
  }
}

async function readPem(flag: string, file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    if (/-----BEGIN [A-Z ]+-----/.test(text)) return text;
  } catch (error) {
    throw new KvrError('BAD_INPUT', `${flag}: ${(error as Error).message}; give a PEM file`, {}, error);
  }
  throw new KvrError(
    'BAD_INPUT',
    `${flag} ${file} is no PEM file; give one with lines like "-----BEGIN …-----"`,
  );
}
