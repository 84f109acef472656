/**
 * X.509 certificates (RFC 5280) of Ed25519 keys (RFC 8410): as little as OpenSSL wants to see to accept a process as one whose
 * certificate an authority has signed. They do not expire: an authority is as good as the cluster key it was made of, and a
 * process's key ends with the process.
 */
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  bits,
  identifier,
  integer,
  numbered,
  numberedBytes,
  octets,
  sequence,
  setOf,
  time,
  utf8,
  yes,
} from './der.js';

const ED25519 = '1.3.101.112';
const COMMON_NAME = '2.5.4.3';
const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const SUBJECT_KEY = '2.5.29.14';
const AUTHORITY_KEY = '2.5.29.35';
/** Of the digest that names a key. */
const KEY_NAME_BYTES = 20;
/** Bits of the first byte, and how many after them are none. */
const SIGNS_CERTIFICATES = bits(Uint8Array.of(0x04), 2);
const SIGNS = bits(Uint8Array.of(0x80), 7);
const VERSION_3 = numbered(0, integer(Uint8Array.of(2)));
/** Before any machine's clock, and RFC 5280's word for never. */
const ALWAYS = sequence(time('20000101000000Z'), time('99991231235959Z'));

export type CertificateFacts = {
  readonly subject: string;
  readonly issuer: string;
  /** Of whom the certificate tells; a private key stands for its public one. */
  readonly key: KeyObject;
  readonly isAuthority: boolean;
  /** Up to 20 bytes that tell it from others of the issuer. */
  readonly serial: Uint8Array;
};

/** @param issuerKey Ed25519, private. @returns PEM */
export function signedCertificate(facts: CertificateFacts, issuerKey: KeyObject): string {
  const algorithm = sequence(identifier(ED25519));
  const body = bodyOf(facts, algorithm, issuerKey);
  const signature = sign(null, body, issuerKey);
  return pem(sequence(body, algorithm, bits(signature)));
}

function bodyOf(facts: CertificateFacts, algorithm: Buffer, issuerKey: KeyObject): Buffer {
  const { subject, issuer, key, isAuthority, serial } = facts;
  const names = [nameOf(issuer), ALWAYS, nameOf(subject)] as const;
  const spki = spkiOf(key);
  const extensions = extensionsOf(isAuthority, spki, spkiOf(issuerKey));
  return sequence(VERSION_3, integer(serial), algorithm, ...names, spki, extensions);
}

function spkiOf(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'der', type: 'spki' });
}

function nameOf(text: string): Buffer {
  return sequence(setOf(sequence(identifier(COMMON_NAME), utf8(text))));
}

function extensionsOf(isAuthority: boolean, spki: Buffer, issuerSpki: Buffer): Buffer {
  const extension = (id: string, value: Buffer): Buffer => sequence(identifier(id), octets(value));
  const critical = (id: string, value: Buffer): Buffer => sequence(identifier(id), yes(), octets(value));
  return numbered(
    3,
    sequence(
      critical(BASIC_CONSTRAINTS, isAuthority ? sequence(yes()) : sequence()),
      critical(KEY_USAGE, isAuthority ? SIGNS_CERTIFICATES : SIGNS),
      extension(SUBJECT_KEY, octets(keyName(spki))),
      extension(AUTHORITY_KEY, sequence(numberedBytes(0, keyName(issuerSpki)))),
    ),
  );
}

/** How certificates name a key: by a digest of it (RFC 7093, method 4). */
function keyName(spki: Buffer): Buffer {
  return createHash('sha256').update(spki).digest().subarray(0, KEY_NAME_BYTES);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
