/**
 * A real worker against an engine and neighbours that misbehave: what is wrong is refused with a typed error or a
 * closed connection, and the worker answers the next request rightly.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RequestSpec, requestSpecSchema } from '../src/core/request.js';
import type { ModelShape } from '../src/core/shape.js';
import { checksumOf } from '../src/link/checksum.js';
import {
  controlFrame,
  encodeHead,
  type KvFrame,
  MAX_META_BYTES,
  PROTOCOL_VERSION,
} from '../src/link/frame.js';
import { compileModel } from '../src/model/compile.js';
import { compileKernels } from '../src/runtime/cpu/compile-kernels.js';
import type { RunMessage } from '../src/worker/protocol/index.js';
import { ReferenceModel } from './reference/forward.js';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { until } from './support/until.js';
import { listenAs, StandIn, WorkerProcess } from './support/worker-process.js';
import { TINY_LLAMA } from './reference/shapes.js';

const SHAPE: ModelShape = {
  ...TINY_LLAMA,
  hidden: 16,
  heads: 2,
  kvHeads: 1,
  feedForward: 24,
  vocabulary: 40,
  contextTokens: 32,
};
const ROW_BYTES = 2 * 4 * SHAPE.kvHeads * SHAPE.headDim;
const IDS = [3, 1, 4, 1, 5, 9, 2, 6];
const NEW_TOKENS = 3;

let cacheFolder = '';
let compiledFolder = '';
let answer: number[] = [];
let worker: WorkerProcess;
const connections: { close(): void }[] = [];

beforeAll(async () => {
  cacheFolder = mkdtempSync(join(tmpdir(), 'kvr-hostile-'));
  const checkpoint = randomCheckpoint(SHAPE, 5);
  compiledFolder = await compileModel(checkpoint, {
    cacheFolder,
    dtype: 'f32',
    ...compileKernels(),
  });
  answer = (await ReferenceModel.load(checkpoint)).greedy(IDS, NEW_TOKENS).ids;
});
afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }));

afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
});

let nextRequest = 1;
/** A request over a chain in which this worker is the last rank and `fake` the one before it. */
function secondRank(spec: Partial<RequestSpec> = {}): RunMessage {
  const place = { rank: 1, chain: ['fake', 'real'], partition: [5, 3] };
  return { ...single({ strategy: 'kvr', ...spec }), ...place };
}

function single(spec: Partial<RequestSpec> = {}): RunMessage {
  return {
    type: 'run',
    request: nextRequest++,
    spec: requestSpecSchema.parse({
      ...{ strategy: 'single', maxTokens: NEW_TOKENS, prefixCache: false },
      ...spec,
    }),
    rank: 0,
    chain: ['real'],
    partition: [IDS.length],
  };
}

/** The 20 bytes of a frame's header, made by hand. */
function header({ version = PROTOCOL_VERSION, kind = 1, metaBytes = 0, payloadBytes = 0, sum = 0 }): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.set([0x4b, 0x56, version, kind]);
  bytes.writeUInt32LE(metaBytes, 4);
  bytes.writeUInt32LE(payloadBytes, 8);
  bytes.writeUInt32LE((checksumOf(bytes.subarray(0, 16)) ^ sum) >>> 0, 16);
  return bytes;
}

function rowsOf(request: number, overrides: Partial<KvFrame> & { bytes?: number } = {}): KvFrame {
  const rows = overrides.rows ?? 5;
  const payload = new Uint8Array(overrides.bytes ?? rows * ROW_BYTES);
  return { kind: 'kv', request, layer: 0, start: 0, rows, payload, ...overrides };
}

async function asEngine(): Promise<StandIn> {
  const engine = await StandIn.greet(worker.address, 'engine', 'engine');
  connections.push(engine);
  return engine;
}

async function asPeer(): Promise<StandIn> {
  const peer = await StandIn.greet(worker.address, 'peer', 'fake');
  connections.push(peer);
  return peer;
}

/** The worker is of use: a request on a fresh connection gets the right tokens. */
async function expectAlive(): Promise<void> {
  const engine = await asEngine();
  const run = single();
  engine.run(run, IDS);
  await engine.hear('finished', run.request);
  const ids = engine.heard.flatMap(({ message }) => (message.type === 'token' ? [message.id] : []));
  expect(ids).toEqual(answer);
}

describe('one worker, through all of it,', () => {
  beforeAll(async () => {
    worker = await WorkerProcess.start(compiledFolder);
  });
  afterAll(() => worker.stop());

  test('closes a connection that speaks no frames, and lives on', async () => {
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      header({ version: 9 }),
      header({ version: 1, kind: 7 }),
      header({ metaBytes: 2 ** 32 - 1 }),
      header({ payloadBytes: 2 ** 32 - 1 }),
      header({ sum: 1 }),
      Buffer.concat([header({ metaBytes: 3 }), Buffer.from('{"a')]),
    ]) {
      const stranger = await StandIn.connect(worker.address);
      await stranger.write(bytes);
      await until(() => stranger.isClosed, 'the connection to be closed');
    }
    await expectAlive();
  });

  test('closes a connection that says nothing sensible, and lives on', async () => {
    const head = encodeHead(controlFrame('x'.repeat(MAX_META_BYTES - 2)), false);
    for (const first of [
      { type: 'ping', ping: 1 },
      { type: 'shutdown' },
      null,
      [],
      { type: 'hello', role: 'king', worker: 'x' },
      { type: 'hello', role: 'peer', worker: '' },
      { type: 'hello', role: 'peer', worker: 'x'.repeat(129) },
    ]) {
      const stranger = await StandIn.connect(worker.address);
      stranger.say(first);
      await until(() => stranger.isClosed, `${JSON.stringify(first)} to be refused`);
    }
    const large = await StandIn.connect(worker.address);
    await large.write(head);
    await until(() => large.isClosed, 'the large message to be refused');
    const keyValues = await StandIn.connect(worker.address);
    keyValues.send(rowsOf(1));
    await until(() => keyValues.isClosed, 'rows of a stranger to be refused');
    await expectAlive();
  });

  test('a connection that breaks off in the middle of a frame harms nobody', async () => {
    const stranger = await StandIn.connect(worker.address);
    await stranger.write(encodeHead(controlFrame({ type: 'hello' }), false).subarray(0, 15));
    stranger.close();
    await expectAlive();
  });

  test.each<[string, number, Uint8Array<ArrayBuffer>]>([
    ['no bytes', 3, new Uint8Array()],
    ['fewer bytes than lengths', 3, new Uint8Array(2)],
    ['lengths beyond its bytes', 3, new Uint8Array([9, 0, 9, 0, 9, 0, 65])],
    ['more tokens than any model has', 2 ** 31, new Uint8Array(8)],
  ])('a vocabulary with %s fails the request that needs it, and no other', async (_, tokens, packed) => {
    const engine = await asEngine();
    engine.say({ type: 'vocabulary', tokens }, packed);
    const run = single({ grammar: { type: 'json', schema: true } });
    engine.run(run, IDS);
    expect(await engine.hear('failed', run.request)).toMatchObject({ code: 'PROTOCOL' });
    await expectAlive();
  });

  test('a grammar before any vocabulary, or one that is none, fails its request and no other', async () => {
    const engine = await asEngine();
    const early = single({ grammar: { type: 'json', schema: true } });
    engine.run(early, IDS);
    expect(await engine.hear('failed', early.request)).toMatchObject({ code: 'PROTOCOL' });
    engine.say({ type: 'vocabulary', tokens: 1 }, new Uint8Array([1, 0, 65]));
    const strange = single({ grammar: { type: 'nonsense' } });
    engine.run(strange, IDS);
    expect(await engine.hear('failed', strange.request)).toMatchObject({ code: 'BAD_INPUT' });
    await expectAlive();
  });

  test.each<[string, Partial<RunMessage>, number[], Partial<RequestSpec>?]>([
    ['more ranks than slices', { chain: ['real', 'other'] }, IDS],
    ['another worker in its place', { chain: ['other'] }, IDS],
    ['a rank that the chain does not have', { rank: 7 }, IDS],
    ['a slice without tokens', { partition: [0] }, []],
    ['fewer ids than tokens', {}, IDS.slice(1)],
    ['more ids than tokens', {}, [...IDS, 1]],
    ['an id out of the vocabulary', {}, [...IDS.slice(1), SHAPE.vocabulary]],
    ['a negative id', {}, [...IDS.slice(1), -1]],
    ['more tokens than the model takes', {}, IDS, { maxTokens: SHAPE.contextTokens }],
    ['a next rank that nobody linked', { chain: ['real', 'x'], partition: [8, 1] }, IDS, { strategy: 'kvr' }],
  ])('refuses a run with %s, by number, and runs the next one', async (_, overrides, ids, spec = {}) => {
    const engine = await asEngine();
    const run = { ...single(spec), ...overrides };
    engine.run(run, ids);
    const { code, phase } = await engine.hear('failed', run.request);
    expect([code, phase]).toEqual([run.spec.strategy === 'kvr' ? 'LINK' : 'PROTOCOL', 'connect']);
    expect(engine.isClosed).toBe(false);
    await expectAlive();
  });

  test.each<[string, object]>([
    ['an unknown strategy', { spec: { strategy: 'magic' } }],
    ['a negative request', { request: -1 }],
    ['a partition of text', { partition: ['8'] }],
    ['NaN for a temperature', { spec: { sampling: { temperature: null } } }],
    ['no chain', { chain: [] }],
    ['rows of an unknown type', { spec: { kvDtype: 'f8' } }],
  ])('closes the connection of an engine whose run message has %s', async (_, overrides) => {
    const engine = await asEngine();
    engine.say({ ...single(), ...overrides }, new Uint8Array(4 * IDS.length));
    await until(() => engine.isClosed, 'the connection to be closed');
    await expectAlive();
  });

  test.each<[string, Partial<KvFrame> & { bytes?: number }]>([
    ['of a layer that there is not', { layer: 2 }],
    ['of the largest layer', { layer: 2 ** 32 - 1 }],
    ['beyond the prefix', { start: 1 }],
    ['far beyond it', { start: 2 ** 32 - 1, rows: 1 }],
    ['more than there are', { rows: 6 }],
    ['none at all', { rows: 0 }],
    ['fewer than they say', { bytes: 4 * ROW_BYTES }],
    ['more than they say', { bytes: 6 * ROW_BYTES }],
    ['that say they are four thousand million', { rows: 2 ** 32 - 1, bytes: ROW_BYTES }],
  ])('fails a request that gets rows %s', async (_, overrides) => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank();
    engine.run(run, IDS);
    peer.send(rowsOf(run.request, overrides));
    const failed = await engine.hear('failed', run.request);
    expect(failed).toMatchObject({ code: 'PROTOCOL', phase: 'prefill' });
    await expectAlive();
  });

  test.each([
    ['f16', 5 * ROW_BYTES],
    ['f16', (5 * ROW_BYTES) / 2 - 4],
    ['f32', (5 * ROW_BYTES) / 2],
  ] as const)('fails a request for %s rows that gets five of %i bytes', async (kvDtype, bytes) => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank({ kvDtype });
    engine.run(run, IDS);
    peer.send(rowsOf(run.request, { bytes }));
    const { code, message } = await engine.hear('failed', run.request);
    expect([code, message]).toEqual(['PROTOCOL', expect.stringMatching(`has ${bytes} bytes, expected`)]);
    await expectAlive();
  });

  test('fails a request that gets the same rows twice', async () => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank();
    engine.run(run, IDS);
    peer.send(rowsOf(run.request, { rows: 3 }));
    peer.send(rowsOf(run.request, { rows: 1, start: 2 }));
    const { code, message } = await engine.hear('failed', run.request);
    expect([code, message]).toEqual(['PROTOCOL', 'KV rows [2, 3) arrived twice']);
    await expectAlive();
  });

  test('fails a request whose peer turns to garbage, with PROTOCOL, and drops that peer', async () => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank();
    engine.run(run, IDS);
    await engine.hear('progress', run.request);
    await peer.write('this is no frame of anything');
    const failed = await engine.hear('failed', run.request);
    expect(failed).toMatchObject({ code: 'PROTOCOL', phase: 'prefill' });
    await until(() => peer.isClosed, 'the peer to be dropped');
    await expectAlive();
  });

  test('fails a request whose peer goes before its rows are there, with LINK', async () => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank();
    engine.run(run, IDS);
    peer.send(rowsOf(run.request, { rows: 4 }));
    await engine.hear('progress', run.request);
    peer.close();
    expect(await engine.hear('failed', run.request)).toMatchObject({ code: 'LINK', phase: 'prefill' });
    await expectAlive();
  });

  test('finishes a request whose peer goes after its rows are there', async () => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank();
    engine.run(run, IDS);
    for (let layer = 0; layer < SHAPE.layers; layer++) peer.send(rowsOf(run.request, { layer }));
    await engine.hear('token', run.request);
    peer.close();
    expect(await engine.hear('finished', run.request)).toMatchObject({ reason: 'length' });
  });

  test('takes rows that come before the run message, and forgets those that no run follows', async () => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank();
    for (let layer = 0; layer < SHAPE.layers; layer++) peer.send(rowsOf(run.request, { layer }));
    for (let stray = 0; stray < 200; stray++) peer.send(rowsOf(1_000_000 + stray));
    // Frames of a link are read in order: once this is answered, all rows have come.
    peer.say({ type: 'echo', echo: 1, wantsAnswer: true });
    const answers = (): unknown[] => peer.heard.map(({ message }) => message);
    await until(() => answers().some((message) => JSON.stringify(message).includes('"echoed"')), 'the echo');
    engine.run(run, IDS);
    await engine.hear('finished', run.request);
    await expectAlive();
  });

  test('drops rows of a request that was cancelled before they came', async () => {
    const [engine, peer] = [await asEngine(), await asPeer()];
    const run = secondRank();
    engine.run(run, IDS);
    await engine.hear('progress', run.request);
    engine.say({ type: 'cancel', request: run.request });
    expect(await engine.hear('finished', run.request)).toMatchObject({ reason: 'cancelled' });
    peer.send(rowsOf(run.request, { layer: 77 }));
    await expectAlive();
    expect(peer.isClosed).toBe(false);
  });

  test('refuses a second run of a number that runs already', async () => {
    const engine = await asEngine();
    const run = secondRank();
    engine.run(run, IDS);
    engine.run(run, IDS);
    const { code, message } = await engine.hear('failed', run.request);
    expect([code, message]).toEqual(['PROTOCOL', `request ${run.request} runs already`]);
  });

  test('says that it can not reach a peer, or that a peer does not greet, without waiting its time out', async () => {
    const engine = await asEngine();
    const isEarly = expect.not.stringMatching(/within|no answer in/) as string;
    engine.say({ type: 'connect', peers: [{ worker: 'x', address: 'unix:/nowhere/x.sock' }] });
    const failure = { code: 'LINK', message: isEarly };
    expect(await engine.hear('connectFailed')).toMatchObject(failure);
    engine.heard.length = 0;
    const rude = await listenAs((socket) => void socket.once('data', () => socket.destroy()));
    connections.push(rude);
    engine.say({ type: 'connect', peers: [{ worker: 'y', address: rude.address }] });
    expect(await engine.hear('connectFailed')).toMatchObject(failure);
    await expectAlive();
  });
});

describe('links between workers', () => {
  beforeAll(async () => {
    worker = await WorkerProcess.start(compiledFolder);
  });
  afterAll(() => worker.stop());

  /** Another worker that greets whoever calls, and counts the calls. */
  async function neighbour(): Promise<{ address: string; calls: StandIn[] }> {
    const calls: StandIn[] = [];
    const listener = await listenAs((socket) => {
      const call = new StandIn(socket, true);
      calls.push(call);
      connections.push(call);
      call.say({ type: 'ready' });
    });
    connections.push(listener);
    return { address: listener.address, calls };
  }

  test('are only for engines that are connected', async () => {
    const peer = await StandIn.connect(worker.address);
    peer.say({ type: 'hello', role: 'peer', worker: 'x', engine: 'nobody' });
    await until(() => peer.isClosed, 'the peer to be refused');
    expect(peer.heard).toEqual([]);
  });

  test('are opened once, told of when they are lost, and opened again', async () => {
    const engine = await asEngine();
    const { address, calls } = await neighbour();
    const link = async (): Promise<void> => {
      engine.heard.length = 0;
      engine.say({ type: 'connect', peers: [{ worker: 'x', address }] });
      await engine.hear('connected');
    };
    await link();
    await link();
    expect(calls).toHaveLength(1);
    engine.heard.length = 0;
    calls[0]?.close();
    expect(await engine.hear('peerLost')).toMatchObject({ worker: 'x' });
    await link();
    expect(calls).toHaveLength(2);
    expect(calls[1]?.isClosed).toBe(false);
  });

  test('give way to a newer one from the same worker', async () => {
    const engine = await asEngine();
    const [older, newer] = [await asPeer(), await asPeer()];
    await until(() => older.isClosed, 'the older link to end');
    const run = secondRank();
    engine.run(run, IDS);
    for (let layer = 0; layer < SHAPE.layers; layer++) newer.send(rowsOf(run.request, { layer }));
    await engine.hear('finished', run.request);
  });

  test('stay with an engine that came again before its first connection ended', async () => {
    const older = await asEngine();
    const engine = await asEngine();
    const peer = await asPeer();
    older.close();
    const run = secondRank();
    engine.run(run, IDS);
    for (let layer = 0; layer < SHAPE.layers; layer++) peer.send(rowsOf(run.request, { layer }));
    await engine.hear('finished', run.request);
    expect(peer.isClosed).toBe(false);
  });
});

describe('a worker of its own', () => {
  afterEach(() => worker.stop());

  test('ends when its parent lets go of it, and takes its socket and folder along', async () => {
    worker = await WorkerProcess.start(compiledFolder);
    await asEngine();
    worker.child.stdin?.end();
    await until(() => !worker.isRunning, 'the worker to end');
    await expect(StandIn.connect(worker.address)).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  });

  test('with little memory for KV refuses a request and takes a smaller one', async () => {
    worker = await WorkerProcess.start(compiledFolder, { kvBytesLimit: 2 * ROW_BYTES * 12 });
    const engine = await asEngine();
    const large = single({ maxTokens: 20 });
    engine.run(large, IDS);
    expect(await engine.hear('failed', large.request)).toMatchObject({ code: 'WORKER_REFUSED' });
    await expectAlive();
  });

  test('cancels the requests of an engine that goes away: their memory is there for the next one', async () => {
    worker = await WorkerProcess.start(compiledFolder, { kvBytesLimit: 2 * ROW_BYTES * 12 });
    const gone = await asEngine();
    gone.run(secondRank(), IDS);
    await gone.hear('progress');
    const engine = await asEngine();
    const ends = (request: number): string[] =>
      engine.heard.flatMap(({ message }) =>
        (message.type === 'finished' || message.type === 'failed') && message.request === request
          ? [message.type]
          : [],
      );
    const endOf = async (): Promise<string | undefined> => {
      const run = single();
      engine.run(run, IDS);
      await until(() => ends(run.request).length > 0, 'the end of a request');
      return ends(run.request)[0];
    };
    expect(await endOf()).toBe('failed');
    gone.close();
    await until(async () => (await endOf()) === 'finished', 'room for a request');
  });

  test('that can not open its model tells so to whoever connects, however late', async () => {
    worker = await WorkerProcess.start(join(cacheFolder, 'nothing-here'));
    // The second one comes when it has long been told.
    for (const name of ['early', 'late']) {
      const engine = await StandIn.greet(worker.address, 'engine', name);
      connections.push(engine);
      expect(await engine.hear('failed')).toMatchObject({ code: 'BAD_CHECKPOINT', phase: 'load' });
    }
  });
});
