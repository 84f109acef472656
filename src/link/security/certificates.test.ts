/**
 * An organisation's certificates, made by openssl: who has one of the authority is in, for the host that it is for.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identityFrom } from './identity.js';
import { openIdentity } from './link-security.js';
import { newClusterKey, parseClusterKey, readClusterKey } from './cluster-key.js';
import { openTransports } from '../open-transport.js';
import { controlFrame } from '../frame.js';

const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-certificates-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Makes a key, and a request for a certificate of it, or with -x509 the certificate. */
function request(name: string, file: string, ...more: string[]): void {
  const own = ['-newkey', 'ed25519', '-nodes', '-keyout', `${name}.key`, '-subj', `/CN=${name}`];
  openssl('req', ...own, '-out', file, ...more);
}

function makeAuthority(name: string): void {
  request(name, `${name}.pem`, '-x509');
}

/** A certificate of the authority for a host. */
function makeCertificate(name: string, authority: string, host: string): void {
  request(name, `${name}.csr`, '-new');
  writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${host}\n`);
  const by = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`, '-extfile', `${name}.ext`);
}

const securityOf = (name: string, authority: string) =>
  ({
    kind: 'certificates',
    cert: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
    ca: join(folder, `${authority}.pem`),
  }) as const;

/** Whether a frame gets from one to the other. @returns what went wrong, if it did not */
async function greets(caller: string, callers: string, worker: string, workers: string): Promise<string> {
  const here = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const far = (await openTransports(securityOf(worker, workers)))(here);
  let settle: (outcome: string) => void = () => undefined;
  const outcome = new Promise<string>((resolve) => (settle = resolve));
  const onClose = (error?: Error): void => settle(error?.message ?? 'closed');
  const listener = await far.listen(here, (open) => void open({ onFrame: () => settle('heard'), onClose }));
  try {
    const near = (await openTransports(securityOf(caller, callers)))(here);
    const open = await near.dial(listener.address);
    const link = open({ onFrame: () => undefined, onClose: () => undefined });
    link.send(controlFrame('hello'));
    const result = await outcome;
    link.close();
    return result;
  } catch (error) {
    return (error as Error).message;
  } finally {
    listener.close();
  }
}

describe.skipIf(!HAS_OPENSSL)('certificates of openssl (skipped where there is none)', () => {
  beforeAll(() => {
    makeAuthority('ours');
    makeAuthority('theirs');
    makeCertificate('worker', 'ours', 'IP:127.0.0.1');
    makeCertificate('elsewhere', 'ours', 'DNS:other.example');
    makeCertificate('stranger', 'theirs', 'IP:127.0.0.1');
  });

  test('two of one authority hear each other', async () => {
    expect(await greets('elsewhere', 'ours', 'worker', 'ours')).toBe('heard');
  });

  test('a worker whose certificate is for another host is not spoken to', async () => {
    expect(await greets('worker', 'ours', 'elsewhere', 'ours')).toMatch(/does not match|not in the cert/);
  });

  test('a caller of another authority is not heard, though it trusts ours', async () => {
    expect(await greets('stranger', 'ours', 'worker', 'ours')).toMatch(/no proof/);
  });

  test('a worker of another authority is not spoken to', async () => {
    expect(await greets('worker', 'ours', 'stranger', 'ours')).toMatch(/no connection/);
  });

  test('openssl verifies what a cluster key makes', () => {
    const { ca, cert } = identityFrom(new Uint8Array(32).fill(1));
    writeFileSync(join(folder, 'made-ca.pem'), ca);
    writeFileSync(join(folder, 'made.pem'), cert);
    expect(() => openssl('verify', '-x509_strict', '-CAfile', 'made-ca.pem', 'made.pem')).not.toThrow();
  });

  test('a key of another certificate is refused in words', async () => {
    const mixed = { ...securityOf('worker', 'ours'), key: join(folder, 'elsewhere.key') };
    await expect(openTransports(mixed)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});

test('a cluster key has one authority, which no other key has, and gives every process its own certificate', () => {
  const of = (fill: number) => identityFrom(new Uint8Array(32).fill(fill));
  const [one, again, other] = [of(1), of(1), of(2)].map(({ ca, cert }) => ({
    ca: new X509Certificate(ca),
    cert: new X509Certificate(cert),
  }));
  if (!one || !again || !other) throw new Error('three were made');
  expect(again.ca.fingerprint256).toBe(one.ca.fingerprint256);
  expect(again.cert.fingerprint256).not.toBe(one.cert.fingerprint256);
  expect(again.cert.verify(one.ca.publicKey)).toBe(true);
  expect(other.cert.verify(one.ca.publicKey)).toBe(false);
  expect(one.cert.ca).toBe(false);
});

test('a key is read as it was made, with the end of a line and spaces around it', async () => {
  const text = newClusterKey();
  const path = join(folder, 'room.key');
  writeFileSync(path, `  ${text}\r\n`);
  expect(await readClusterKey(path)).toEqual(parseClusterKey(text, 'a test'));
  expect(newClusterKey()).not.toBe(text);
});

test.each(['', 'a passphrase', 'kvr-key-', `kvr-key-${'A'.repeat(42)}`, `kvr-key-${'A'.repeat(43)}\nmore`])(
  'the text %j is no key, and is not repeated in the refusal',
  (text) => {
    const refusal: unknown = expect.objectContaining({
      code: 'BAD_INPUT',
      message:
        'the file x holds no cluster key; make one with "kvr key > room.key" and give the same to all machines',
    });
    expect(() => parseClusterKey(text, 'the file x')).toThrow(refusal);
  },
);

test.each([
  ['a file that is not there', 'no-such.pem', /ENOENT/],
  ['a file that is no PEM', 'room.txt', /is no PEM file/],
])('%s is refused with its flag', async (_, name, message) => {
  writeFileSync(join(folder, 'room.txt'), 'text');
  const path = join(folder, name);
  await expect(openIdentity({ kind: 'certificates', cert: path, key: path, ca: path })).rejects.toMatchObject(
    {
      code: 'BAD_INPUT',
      message: expect.stringMatching(message) as string,
    },
  );
});
