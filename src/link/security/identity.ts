/**
 * Who a process is towards the others of its cluster. From the cluster key everybody derives the same authority, and has it sign
 * a key of his own that lives as long as his process: whoever shows such a certificate has the cluster key, and every process
 * can be told from every other.
 */
import { createPrivateKey, generateKeyPairSync, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { signedCertificate } from './certificate.js';
import type { ClusterKey } from './cluster-key.js';

/** What TLS is set up with; all PEM. */
export type Identity = {
  /** Whose certificates are trusted, and no others. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** True where a certificate must also be for the host that was dialled. */
  readonly checksHosts: boolean;
};

/** Another use of the key, or another form of certificates, gets another label. */
const AUTHORITY_LABEL = 'kv-runahead cluster authority 1';
const AUTHORITY_NAME = 'kv-runahead cluster';
const SEED_BYTES = 32;
/** What RFC 8410 writes before the seed of an Ed25519 key. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** Positive, with as many random bits as an issuer must give (CA/Browser Forum: 64). */
const SERIAL_BYTES = 16;
const AUTHORITY_SERIAL = Uint8Array.of(1);

/** A new identity each time it is called. */
export function identityFrom(clusterKey: ClusterKey): Identity {
  const authority = authorityOf(clusterKey);
  const { privateKey } = generateKeyPairSync('ed25519');
  const signed = { issuer: AUTHORITY_NAME, subject: AUTHORITY_NAME } as const;
  const ca = { ...signed, key: authority, isAuthority: true, serial: AUTHORITY_SERIAL };
  const own = { ...signed, subject: 'kv-runahead process', key: privateKey, isAuthority: false };
  return {
    ca: signedCertificate(ca, authority),
    cert: signedCertificate({ ...own, serial: serial() }, authority),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    checksHosts: false,
  };
}

/** HKDF (RFC 5869) of the cluster key: the key itself signs nothing, and can not be worked out from what is signed. */
function authorityOf(clusterKey: ClusterKey): KeyObject {
  const seed = hkdfSync('sha256', clusterKey, new Uint8Array(0), AUTHORITY_LABEL, SEED_BYTES);
  const key = Buffer.concat([PKCS8_HEAD, new Uint8Array(seed)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** The first byte is neither 0 nor the sign of a negative number. */
function serial(): Uint8Array {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}
