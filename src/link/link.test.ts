/**
 * The conformance suite of Link, run on every implementation: a pair in memory, unix sockets and TCP.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../test/reference/random.js';
import { until } from '../../test/support/until.js';
import { type Address, isChecksummed } from './address.js';
import { controlFrame, encodeHead, type Frame } from './frame.js';
import type { Link, LinkHandlers } from './link.js';
import { memoryLinkPair } from './memory-link.js';
import { SocketLink } from './socket-link.js';

/** One end of a link and what it has heard. */
class End {
  readonly frames: Frame[] = [];
  readonly closes: (Error | undefined)[] = [];
  link!: Link;
  readonly handlers: LinkHandlers = {
    onFrame: (frame) => this.frames.push(frame),
    onClose: (error) => this.closes.push(error),
  };
}

type Pair = { readonly left: End; readonly right: End };
const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanup.splice(0)) clean();
});

async function memoryPair(): Promise<Pair> {
  const pair = { left: new End(), right: new End() };
  [pair.left.link, pair.right.link] = memoryLinkPair(pair.left.handlers, pair.right.handlers);
  return pair;
}

function unixAddress(): Address {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-link-'));
  cleanup.push(() => rmSync(folder, { recursive: true, force: true }));
  return { kind: 'unix', path: join(folder, 's') };
}

async function connected(address: Address): Promise<Socket> {
  const socket = address.kind === 'unix' ? connect(address.path) : connect(address.port, address.host);
  await once(socket, 'connect');
  return socket;
}

/** Two connected sockets; the test's end destroys both. */
async function sockets(address: Address): Promise<[Socket, Socket]> {
  let accept: (socket: Socket) => void = () => undefined;
  const accepted = new Promise<Socket>((resolve) => (accept = resolve));
  const server: Server = createServer((socket) => accept(socket));
  await new Promise<void>((resolve) =>
    address.kind === 'unix' ? server.listen(address.path, resolve) : server.listen(0, '127.0.0.1', resolve),
  );
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  const target = address.kind === 'unix' ? address : { ...address, port };
  const pair: [Socket, Socket] = [await connected(target), await accepted];
  cleanup.push(() => (pair.forEach((socket) => socket.destroy()), server.close()));
  return pair;
}

async function socketPair(address: Address): Promise<Pair> {
  const [a, b] = await sockets(address);
  const pair = { left: new End(), right: new End() };
  pair.left.link = new SocketLink(a, pair.left.handlers, isChecksummed(address));
  pair.right.link = new SocketLink(b, pair.right.handlers, isChecksummed(address));
  return pair;
}

const TCP: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const IMPLEMENTATIONS: [string, () => Promise<Pair>][] = [
  ['memory', memoryPair],
  ['unix socket', () => socketPair(unixAddress())],
  ['TCP socket', () => socketPair(TCP)],
];

/** Lets whatever is under way happen: both ends live in this process, so that a round of its loop moves what can move. */
async function rounds(count = 100): Promise<void> {
  for (let round = 0; round < count; round++) await turn();
}

function bytesOf(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = random.below(256);
  return bytes;
}

const rows = (payload: Uint8Array<ArrayBuffer>, layer = 0): Frame => ({
  kind: 'kv',
  request: 9,
  layer,
  start: 0,
  rows: 1,
  payload,
});

describe.each(IMPLEMENTATIONS)('a link over %s', (_, open) => {
  test('carries frames of every size both ways, whole and in order', async () => {
    const { left, right } = await open();
    const sizes = [0, 8, 64, 4096, 65_528, 65_536, 65_544, 524_288, 3_000_000, 16];
    const frames = sizes.map((size, i) => rows(bytesOf(size, i), i));
    for (const frame of frames) left.link.send(frame);
    for (let i = 0; i < 200; i++) right.link.send(controlFrame({ i }));
    await until(() => right.frames.length === sizes.length && left.frames.length === 200, 'all frames');
    right.frames.forEach((frame, i) => {
      expect(frame).toMatchObject({ kind: 'kv', layer: i });
      expect(Buffer.compare(frame.payload, (frames[i] as Frame).payload)).toBe(0);
    });
    expect(left.frames.map((frame) => frame.kind === 'control' && frame.message)).toEqual(
      Array.from({ length: 200 }, (_, i) => ({ i })),
    );
  });

  test('calls onSent once for each frame, in order, and bufferedBytes goes back to nothing', async () => {
    const { left, right } = await open();
    const sent: number[] = [];
    for (let i = 0; i < 20; i++) left.link.send(rows(new Uint8Array(8 * i)), () => sent.push(i));
    await until(() => right.frames.length === 20 && sent.length === 20, 'all frames');
    expect(sent).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(left.link.bufferedBytes).toBe(0);
  });

  test('holds nothing of a payload back: it may be changed once onSent was called', async () => {
    const { left, right } = await open();
    const payload = new Uint8Array(64).fill(7);
    await new Promise<void>((resolve) => left.link.send(rows(payload), resolve));
    payload.fill(0);
    await until(() => right.frames.length === 1, 'the frame');
    expect([...(right.frames[0] as Frame).payload]).toEqual(new Array(64).fill(7));
  });

  test('a paused end lets the sender fill up; nothing is lost when it goes on', async () => {
    const { left, right } = await open();
    right.link.pause();
    const count = 40;
    for (let i = 0; i < count; i++) left.link.send(rows(new Uint8Array(524_288), i));
    await rounds();
    // What the system's own buffers take is at most a few MB of these 20.
    expect(left.link.bufferedBytes).toBeGreaterThan(8 << 20);
    expect(right.frames.length).toBeLessThan(count);
    right.link.resume();
    await until(() => right.frames.length === count, 'all frames');
    expect(right.frames.map((frame) => frame.kind === 'kv' && frame.layer)).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
    await until(() => left.link.bufferedBytes === 0, 'an empty buffer');
  });

  test('pausing in the middle of frames that arrive keeps the later ones for later', async () => {
    const { left, right } = await open();
    for (let i = 0; i < 300; i++) left.link.send(rows(new Uint8Array(4096), i));
    right.link.pause();
    await rounds();
    right.link.resume();
    right.link.pause();
    right.link.resume();
    await until(() => right.frames.length === 300, 'all frames');
  });

  test('close sends what was handed over, then ends both ends once', async () => {
    const { left, right } = await open();
    for (let i = 0; i < 30; i++) left.link.send(rows(new Uint8Array(100_000), i));
    left.link.close();
    left.link.close();
    left.link.close(new Error('too late to matter'));
    await until(() => left.closes.length > 0 && right.closes.length > 0, 'both ends to end');
    expect(right.frames).toHaveLength(30);
    expect(left.closes).toEqual([undefined]);
    expect(right.closes).toHaveLength(1);
    expect(right.closes[0]).toMatchObject({ code: 'LINK' });
    right.link.close();
    await rounds();
    expect([left.closes.length, right.closes.length]).toEqual([1, 1]);
    expect([left.link.isClosed, right.link.isClosed]).toEqual([true, true]);
  });

  test('close reaches an end that is paused once that has read what was sent before', async () => {
    const { left, right } = await open();
    right.link.pause();
    for (let i = 0; i < 5; i++) left.link.send(rows(new Uint8Array(1000), i));
    left.link.close();
    await rounds();
    right.link.resume();
    await until(() => right.closes.length > 0, 'the end');
    expect(right.frames).toHaveLength(5);
  });

  test('close with an error tells this end that error and the other that the link is gone', async () => {
    const { left, right } = await open();
    const reason = new Error('the reason');
    left.link.close(reason);
    left.link.close(new Error('another'));
    await until(() => left.closes.length > 0 && right.closes.length > 0, 'both ends to end');
    expect(left.closes).toEqual([reason]);
    expect(right.closes[0]).toMatchObject({ code: 'LINK' });
  });

  test('onClose is never called from inside close', async () => {
    const { left } = await open();
    left.link.close();
    expect(left.closes).toEqual([]);
    await until(() => left.closes.length === 1, 'the end');
  });

  test('sending after the end is harmless and still gives the payload back', async () => {
    const { left, right } = await open();
    right.link.close();
    await until(() => left.closes.length > 0, 'the end');
    let given = 0;
    left.link.send(rows(new Uint8Array(8)), () => given++);
    await until(() => given > 0, 'onSent');
    await rounds();
    expect(given).toBe(1);
    expect(left.link.bufferedBytes).toBe(0);
  });

  test('a break gives back every payload that was still waiting', async () => {
    const { left, right } = await open();
    right.link.pause();
    let given = 0;
    for (let i = 0; i < 40; i++) left.link.send(rows(new Uint8Array(524_288)), () => given++);
    await rounds();
    right.link.close(new Error('broken'));
    await until(() => left.closes.length > 0 && given === 40, 'the end and all payloads');
    await rounds();
    expect(given).toBe(40);
  });
});

/** What only bytes can show: one end speaks raw, the other is a link. */
describe.each([
  ['unix socket', () => unixAddress()],
  ['TCP socket', () => TCP],
])('a link over %s against a peer that does not keep to frames', (_, makeAddress) => {
  async function rawPair(): Promise<{ raw: Socket; end: End; head: (message: unknown) => Uint8Array }> {
    const address = makeAddress();
    const [raw, socket] = await sockets(address);
    raw.on('error', () => undefined);
    const end = new End();
    end.link = new SocketLink(socket, end.handlers, isChecksummed(address));
    return { raw, end, head: (message) => encodeHead(controlFrame(message), isChecksummed(address)) };
  }

  test('ends with a PROTOCOL error on garbage', async () => {
    const { raw, end, head } = await rawPair();
    raw.write(head({ fine: true }));
    raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => end.closes.length > 0, 'the end');
    expect(end.frames).toHaveLength(1);
    expect(end.closes).toEqual([expect.objectContaining({ code: 'PROTOCOL' })]);
    await until(() => raw.destroyed, 'the peer to see it');
  });

  test('ends with a LINK error in the middle of a frame', async () => {
    const { raw, end, head } = await rawPair();
    raw.end(head({ type: 'ping' }).subarray(0, 9));
    await until(() => end.closes.length > 0, 'the end');
    expect(end.closes).toEqual([
      expect.objectContaining({ code: 'LINK', message: 'link ended in the middle of a frame' }),
    ]);
  });

  test('ends with a LINK error that says damage where a header came changed', async () => {
    const { raw, end, head } = await rawPair();
    const bytes = Buffer.from(head({ type: 'ping' }));
    // The payload's length: 16 MB that never come.
    bytes[11] = 1;
    raw.write(bytes);
    await until(() => end.closes.length > 0, 'the end');
    const message = expect.stringMatching(/damaged frame \(checksum\)/) as string;
    expect(end.closes).toEqual([expect.objectContaining({ code: 'LINK', message })]);
    expect(end.frames).toEqual([]);
  });

  test('what a handler throws ends the link with that error', async () => {
    const address = makeAddress();
    const [raw, socket] = await sockets(address);
    const reason = new Error('not like this');
    const end = new End();
    const onFrame = (): void => {
      throw reason;
    };
    end.link = new SocketLink(socket, { ...end.handlers, onFrame }, isChecksummed(address));
    const heads = [1, 2].map((message) => encodeHead(controlFrame(message), isChecksummed(address)));
    raw.write(Buffer.concat(heads));
    await until(() => end.closes.length > 0, 'the end');
    expect(end.closes).toEqual([reason]);
  });
});
