/**
 * A real `kvr serve` against clients that mean harm or do not know better: each gets a 4xx or a closed connection, and
 * the server goes on as if nothing had been.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { liveServer, post, spoken, standInEngine } from './support/live-server.js';
import { type Malformed, malformedRequests, posted } from './support/malformed.js';
import { HANG_LIMIT_MS, until } from './support/until.js';

const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** Loaded before the command: answers each message of its parent with what the process holds after a collection. */
const PROBE = `data:text/javascript,${encodeURIComponent(`
  process.on('message', () => {
    globalThis.gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send({ heldBytes: heapUsed + external, rssBytes: rss });
  });
  process.channel.unref();
`)}`;
const AT_ONCE = 16;
/** Between two bytes of a slow client. */
const BYTE_PAUSE_MS = 200;

let child: ChildProcess;
let port = 0;
let cacheDir = '';
let stderr = '';

beforeAll(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-hostile-'));
  const args = [
    'serve',
    '--model',
    'quote',
    '--port',
    '0',
    '--json',
    '--no-calibrate',
    '--strict',
    '--strict-model',
    '--log-level',
    'error',
  ];
  child = spawn(
    process.execPath,
    ['--expose-gc', '--import', PROBE, COMMAND, ...args, '--cache-dir', cacheDir, '--max-body', '1'],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  let stdout = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await until(() => stdout.includes('\n'), 'the server to listen');
  // How far a slow start has come is told there too.
  stderr = '';
  port = Number(new URL((JSON.parse(stdout) as { url: string }).url).port);
});

afterAll(async () => {
  if (child.exitCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(cacheDir, { recursive: true, force: true });
});

type Memory = { readonly heldBytes: number; readonly rssBytes: number };
async function memory(): Promise<Memory> {
  child.send('memory');
  const [answer] = (await once(child, 'message')) as [Memory];
  return answer;
}

/** What is held for connections goes a moment after they do: reads until it falls no further. */
async function settledMemory(): Promise<Memory> {
  let last = await memory();
  for (;;) {
    const next = await memory();
    if (next.heldBytes > 0.999 * last.heldBytes) return next;
    last = next;
  }
}

/** What came back, until the connection ended; 'open' where it did not end in time. */
function exchange(bytes: Buffer, isHalfClosed = false): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const timer = setTimeout(() => end('open'), HANG_LIMIT_MS);
    const end = (state: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer === '' ? state : answer);
    };
    socket.on('connect', () => (isHalfClosed ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (/^HTTP\/1\.1 \d{3}/.test(answer)) end('answered');
    });
    socket.on('end', () => end('closed'));
    socket.on('close', () => end('closed'));
    socket.on('error', () => end('closed'));
  });
}

/** @returns those that got neither a closed connection nor a 4xx, or the 4xx of a time that ran out */
async function unrefused(requests: readonly Malformed[]): Promise<string[]> {
  const queue = [...requests];
  const found: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const answer = await exchange(next.bytes, next.name === 'half-closed');
      if (answer !== 'closed' && !/^HTTP\/1\.1 (?!408)4\d\d/.test(answer))
        found.push(`${next.name}: ${answer.slice(0, 80)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

/** Heads and bodies that end in the middle. */
function halfClosed(): Malformed[] {
  const whole = posted('{"messages":[{"role":"user","content":"x"}]}');
  return Array.from({ length: 40 }, (_, index) => ({
    name: 'half-closed',
    bytes: whole.subarray(0, 1 + Math.floor(((whole.length - 2) * index) / 40)),
  }));
}

/** Larger than allowed, said or not. */
function oversized(): Malformed[] {
  const text = 'x'.repeat(1_200_000);
  const body = JSON.stringify({ messages: [{ role: 'user', content: text }] });
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  return Array.from({ length: 10 }, (_, index) => ({
    name: `oversized ${index}`,
    bytes: index % 2 ? posted(body) : Buffer.from(chunked),
  }));
}

test('at least 1,000 malformed requests are refused, and leave nothing behind', async () => {
  const all = [...malformedRequests(1), ...halfClosed(), ...oversized()];
  expect(all.length).toBeGreaterThanOrEqual(1000);
  // Code that is compiled and buffers that are pooled at first use are no leak.
  await unrefused(all);
  await unrefused(all);
  const before = await settledMemory();
  expect(await unrefused([...malformedRequests(2), ...halfClosed(), ...oversized()])).toEqual([]);
  let after = await settledMemory();
  const isAsBefore = async (): Promise<boolean> => {
    after = await memory();
    return Math.max(after.heldBytes / before.heldBytes, after.rssBytes / before.rssBytes) < 1.05;
  };
  await until(isAsBefore, `memory to be what it was: ${JSON.stringify({ before, after })}`);
  expect(child.exitCode).toBeNull();
  expect(stderr).toBe('');
  const answer = await post(`http://127.0.0.1:${port}/v1/completions`, {
    prompt: 'abcabcabcabc',
    temperature: 0,
  });
  expect(answer.status).toBe(200);
});

/** More than a server's memory may grow by, also where what tests before it had left is freed meanwhile. Anything that nobody refers to is as good as what a request has left. */
const leaveGarbage = (): WeakRef<Buffer> => new WeakRef(Buffer.alloc(process.memoryUsage().rss, 1));

/** A failure that shows the buffer itself would take minutes. */
const isThere = (garbage: WeakRef<Buffer>): boolean => garbage.deref() !== undefined;

// Where the system does not tell what memory has grown, nothing is collected.
test.skipIf(process.platform !== 'linux')(
  'what requests have left is collected while nobody asks, and not before',
  async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let [isAsked, isToAnswer] = [false, false];
    const engine = standInEngine(async function* (_request, ids) {
      isAsked = true;
      await until(() => isToAnswer, 'the word to answer');
      yield* spoken('x', ids);
    });
    const { server, url } = await liveServer(engine);
    const answer = post(`${url}/v1/completions`, { prompt: 'abc' });
    await until(() => isAsked, 'the request to come in');
    const garbage = leaveGarbage();
    // What a WeakRef was made of stays at least until the running job is over.
    await new Promise(setImmediate);
    vi.advanceTimersByTime(60_000);
    expect(isThere(garbage)).toBe(true);
    isToAnswer = true;
    await (await answer).text();
    await new Promise(setImmediate);
    vi.advanceTimersByTime(10_000);
    expect(isThere(garbage)).toBe(false);
    vi.useRealTimers();
    await server.close();
  },
);

test('clients that send a byte now and then are cut off, and nobody waits for them', async () => {
  const slow: Socket[] = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'));
  let closed = 0;
  for (const socket of slow) {
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.on('close', () => closed++);
  }
  const head =
    'POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  let at = 0;
  const areClosed = async (): Promise<boolean> => {
    for (const socket of slow) if (!socket.destroyed) socket.write(head[at] ?? 'a');
    at++;
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    await delay(BYTE_PAUSE_MS);
    return closed === slow.length;
  };
  await until(areClosed, 'all to be cut off');
});

test('a body that comes too slowly is given up', async () => {
  const engine = standInEngine(async function* (_request, ids) {
    yield* spoken('x', ids);
  });
  const { server } = await liveServer(engine, { requestTimeoutMs: 500, headersTimeoutMs: 400 });
  const socket = connect(server.address.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.on('error', () => undefined);
  const whole = posted(JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(200) }] }));
  let at = whole.indexOf('\r\n\r\n') + 4;
  socket.write(whole.subarray(0, at));
  const isClosed = async (): Promise<boolean> => {
    socket.write(whole.subarray(at, ++at));
    await delay(BYTE_PAUSE_MS);
    return socket.destroyed;
  };
  await until(isClosed, 'the connection to be given up');
  expect(at).toBeLessThan(whole.length);
  expect(answer).toMatch(/^(HTTP\/1\.1 408|$)/);
  await server.close();
});
