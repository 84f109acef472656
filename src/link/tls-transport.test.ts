/**
 * What TLS keeps out, beside the suite for all transports (transport.test.ts): ends without the key, with another one, old
 * recordings, half handshakes; and what somebody on the way sees.
 */
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Address } from './address.js';
import { controlFrame, type Frame } from './frame.js';
import type { Link } from './link.js';
import { plainTransports } from './open-transport.js';
import { newClusterKey, parseClusterKey } from './security/cluster-key.js';
import { identityFrom } from './security/identity.js';
import { tlsTransport } from './tls-transport.js';
import type { Transport } from './transport.js';

const KEY = parseClusterKey(newClusterKey(), 'the test');
const OTHER = parseClusterKey(newClusterKey(), 'the test');
const HERE: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanup.splice(0).reverse()) clean();
});

type Caller = { readonly link: Link; readonly frames: Frame[]; readonly closed: Promise<Error | undefined> };

/** A listener that opens every caller at once, as a worker does. */
async function listen(transport: Transport) {
  const callers: Caller[] = [];
  let onCaller: () => void = () => undefined;
  const listener = await transport.listen(HERE, (open) => {
    const frames: Frame[] = [];
    const closed = new Promise<Error | undefined>((onClose) => {
      const link = open({ onFrame: (frame) => frames.push(frame), onClose });
      cleanup.push(() => link.close());
      queueMicrotask(() => callers.push({ link, frames, closed }) && onCaller());
    });
  });
  cleanup.push(() => listener.close());
  const first = new Promise<Caller>((resolve) => (onCaller = () => resolve(callers[0] as Caller)));
  const { port } = listener.address as { port: number };
  return { address: listener.address, port, first, callers };
}

/** @returns the near end, and a promise of the first frame or the end */
async function dial(transport: Transport, address: Address) {
  let settle: (what: Frame | Error | undefined) => void = () => undefined;
  const heard = new Promise<Frame | Error | undefined>((resolve) => (settle = resolve));
  const link = (await transport.dial(address))({ onFrame: settle, onClose: settle });
  cleanup.push(() => link.close());
  return { link, heard };
}

/** Passes bytes on as they are, and keeps them. */
async function recordingProxy(port: number) {
  const sent: Buffer[] = [];
  const all: Buffer[] = [];
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.on('error', () => undefined);
      cleanup.push(() => socket.destroy());
    }
    near.on('data', (bytes) => void (sent.push(bytes), all.push(bytes), far.write(bytes)));
    far.on('data', (bytes) => void (all.push(bytes), near.write(bytes)));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  const address: Address = { ...HERE, port: (server.address() as { port: number }).port } as Address;
  return { address, sent, all };
}

async function rawTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  cleanup.push(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return socket;
}

/** Kept out for want of a proof, without a frame of it being read. */
async function expectUnheard({ closed, frames }: Caller): Promise<void> {
  expect(await closed).toMatchObject({ code: 'LINK', fields: { refusal: 'handshake' } });
  expect(frames).toEqual([]);
}

test('a caller with another key is closed before a byte of him is heard, and both are told', async () => {
  const { address, first } = await listen(tlsTransport(identityFrom(KEY)));
  await expect(dial(tlsTransport(identityFrom(OTHER)), address)).rejects.toMatchObject({
    code: 'LINK',
    message: expect.stringMatching(/both ends need the same --cluster-key-file/) as string,
  });
  await expectUnheard(await first);
});

test('a caller who trusts anybody, but shows a certificate of another key, is closed', async () => {
  const { address, first } = await listen(tlsTransport(identityFrom(KEY)));
  const forged = { ...identityFrom(OTHER), ca: identityFrom(KEY).ca };
  const { link, heard } = await dial(tlsTransport(forged), address);
  link.send(controlFrame('hello'));
  expect(await heard).toMatchObject({ code: 'LINK' });
  await expectUnheard(await first);
});

test('a caller without a certificate is closed', async () => {
  const { connect: tlsConnect } = await import('node:tls');
  const { port, first } = await listen(tlsTransport(identityFrom(KEY)));
  const socket = tlsConnect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['kv-runahead/3'],
  });
  socket.on('error', () => undefined);
  cleanup.push(() => socket.destroy());
  expect(await (await first).closed).toMatchObject({ fields: { refusal: 'handshake' } });
});

test('a plain caller is closed without being heard', async () => {
  const { address, first } = await listen(tlsTransport(identityFrom(KEY)));
  const { link, heard } = await dial(plainTransports(address), address);
  link.send(controlFrame('hello'));
  expect(await heard).toMatchObject({ code: 'LINK' });
  await expectUnheard(await first);
});

test('a caller who knows the key finds no worker where a stranger listens', async () => {
  const { address } = await listen(plainTransports(HERE));
  await expect(dial(tlsTransport(identityFrom(KEY)), address)).rejects.toMatchObject({ code: 'LINK' });
});

test('what was recorded of a link and is sent again is closed without being heard', async () => {
  const listening = await listen(tlsTransport(identityFrom(KEY)));
  const proxy = await recordingProxy(listening.port);
  const { link } = await dial(tlsTransport(identityFrom(KEY)), proxy.address);
  link.send(controlFrame({ type: 'hello', prompt: 'the secret prompt' }));
  const { frames, link: far } = await listening.first;
  await expect.poll(() => frames.length).toBe(1);
  const recording = Buffer.concat(proxy.sent);
  expect(far.peerIdentity).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);

  const again = await rawTo(listening.port);
  again.write(recording);
  await expect.poll(() => listening.callers.length).toBe(2);
  expect(await listening.callers[1]?.closed).toMatchObject({ fields: { refusal: 'handshake' } });
  expect(listening.callers[1]?.frames).toEqual([]);
});

test('who listens on the way sees neither text nor rows', async () => {
  const listening = await listen(tlsTransport(identityFrom(KEY)));
  const proxy = await recordingProxy(listening.port);
  const { link } = await dial(tlsTransport(identityFrom(KEY)), proxy.address);
  const rows = new Uint8Array(new Float32Array(4096).map((_, at) => Math.sin(at)).buffer);
  link.send(controlFrame({ prompt: 'the secret prompt' }));
  link.send({ kind: 'kv', request: 1, layer: 0, start: 0, rows: 8, payload: rows });
  const { frames } = await listening.first;
  await expect.poll(() => frames.length).toBe(2);
  const seen = Buffer.concat(proxy.all);
  expect(seen.byteLength).toBeGreaterThan(rows.byteLength);
  expect(seen.includes('secret')).toBe(false);
  for (let at = 0; at + 16 <= rows.byteLength; at += 16)
    expect(seen.includes(Buffer.from(rows.subarray(at, at + 16)))).toBe(false);
});

test.each([
  ['silence', Buffer.alloc(0)],
  // The head of a record that announces 500 bytes, and no more.
  ['half a handshake', Buffer.from('16030101f4010001f00303', 'hex')],
])('a caller who stops at %s is a link that can be closed', async (_, bytes) => {
  const { port, first } = await listen(tlsTransport(identityFrom(KEY)));
  const socket = await rawTo(port);
  if (bytes.byteLength > 0) socket.write(bytes);
  const { link, closed } = await first;
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  link.close();
  expect(await closed).toBeUndefined();
  await ended;
});

test.each(['end', 'resetAndDestroy'] as const)(
  'a port that is opened and closed by %s was not refused',
  async (leave) => {
    const { port, first } = await listen(tlsTransport(identityFrom(KEY)));
    const socket = await rawTo(port);
    const { closed } = await first;
    socket[leave]();
    expect(await closed).toBeUndefined();
  },
);

test('garbage instead of a handshake ends the link, and leaves the listener as it was', async () => {
  const transport = tlsTransport(identityFrom(KEY));
  const { port, address, first, callers } = await listen(transport);
  (await rawTo(port)).write(Buffer.alloc(64 << 10, 0x55));
  expect(await (await first).closed).toMatchObject({ code: 'LINK' });
  const { link } = await dial(transport, address);
  link.send(controlFrame('hello'));
  await expect.poll(() => callers[1]?.frames.length).toBe(1);
});

test('every process has an identity of its own under one key', async () => {
  const listening = await listen(tlsTransport(identityFrom(KEY)));
  for (const transport of [tlsTransport(identityFrom(KEY)), tlsTransport(identityFrom(KEY))]) {
    const { link } = await dial(transport, listening.address);
    link.send(controlFrame('hello'));
  }
  await expect.poll(() => listening.callers.filter(({ frames }) => frames.length === 1).length).toBe(2);
  const [one, two] = listening.callers.map(({ link }) => link.peerIdentity);
  expect(one).not.toBe(two);
});
