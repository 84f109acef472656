/**
 * X.509 certificates (RFC 5280) of Ed25519 keys (RFC 8410): as little as OpenSSL wants to see to accept a process as one whose
 * certificate an authority has signed. They do not expire: an authority is as good as the cluster key it was made of, and a
 * process's key ends with the process.
 */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { bits, identifier, integer, numbered, octets, sequence, setOf, time, utf8, yes } from './der.js';

const ED25519 = '1.3.101.112';
const COMMON_NAME = '2.5.4.3';
const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
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
  const body = bodyOf(facts, algorithm);
  const signature = sign(null, body, issuerKey);
  return pem(sequence(body, algorithm, bits(signature)));
}

function bodyOf({ subject, issuer, key, isAuthority, serial }: CertificateFacts, algorithm: Buffer): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const names = [nameOf(issuer), ALWAYS, nameOf(subject)] as const;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return sequence(VERSION_3, integer(serial), algorithm, ...names, spki, extensionsOf(isAuthority));
}

function nameOf(text: string): Buffer {
  return sequence(setOf(sequence(identifier(COMMON_NAME), utf8(text))));
}

function extensionsOf(isAuthority: boolean): Buffer {
  const critical = (id: string, value: Buffer): Buffer => sequence(identifier(id), yes(), octets(value));
  const constraints = isAuthority ? sequence(yes()) : sequence();
  const usage = isAuthority ? SIGNS_CERTIFICATES : SIGNS;
  return numbered(3, sequence(critical(BASIC_CONSTRAINTS, constraints), critical(KEY_USAGE, usage)));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
