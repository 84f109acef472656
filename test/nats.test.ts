/**
 * Workers and engines that find each other through a real nats-server: they come and go, the nats-server is killed and comes back, two
 * engines share workers, and others in the room say what they like. All of it in one room, with one pair of workers.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WorkerCard } from '../src/cluster/room/worker-card.js';
import { newClusterKey } from '../src/link/security/cluster-key.js';
import { runKvrHere } from './support/kvr.js';
import { longPrompt, saveLongLlama } from './support/long-llama.js';
import { hasNatsServer, NatsServer, NO_NATS_SERVER } from './support/nats-server.js';
import { RunningCommand } from './support/running-command.js';
import { until } from './support/until.js';

/** Long enough to be shared out evenly; a worker's MB has room for two, so that two engines together meet refusals. */
const PROMPT = longPrompt(400);
const ROOM = 'lab';
/** Answers that an engine gets beside another that never pauses. */
const TURNS = 6;
const PASSWORD = 'not-to-be-shown';

let folder = '';
let key = '';
let nats: NatsServer;
const running: RunningCommand[] = [];

const start = (...args: string[]): RunningCommand => {
  const command = new RunningCommand(args);
  running.push(command);
  return command;
};
const shared = (): string[] => [
  ...['--model', join(folder, 'model'), '--cache-dir', join(folder, 'cache')],
  ...['--cluster', nats.url.replace('//', `//me:${PASSWORD}@`), '--room', ROOM, '--cluster-key-file', key],
];
const startWorker = (name: string): RunningCommand =>
  start('worker', ...shared(), '--threads', '1', '--kv-memory', '1', '--name', name);

type Served = { readonly server: RunningCommand; readonly url: string };
async function serve(): Promise<Served> {
  const server = start('serve', ...shared(), '--port', '0', '--no-calibrate');
  await server.says(/\(page\)/);
  return { server, url: /(http:\S+) \(page\)/.exec(server.stdout)?.[1] ?? '' };
}

async function ask({ url }: Served): Promise<string> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: PROMPT, max_tokens: 6, temperature: 0 }),
  });
  const answer = (await response.json()) as { choices?: { text: string }[] };
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer.choices?.[0]?.text ?? '';
}

type Record = { readonly atMs: number; readonly partition: readonly number[]; readonly status: string };
async function recordsOf({ url }: Served): Promise<Record[]> {
  const { requests } = (await (await fetch(`${url}/kvr/requests`)).json()) as { requests: Record[] };
  return requests.sort((a, b) => b.atMs - a.atMs);
}
const ranksOfLast = async (served: Served): Promise<number | undefined> =>
  (await recordsOf(served))[0]?.partition.length;
const readiness = async ({ url }: Served): Promise<unknown> => (await fetch(`${url}/readyz`)).json();

describe.skipIf(!hasNatsServer)(`in a room at NATS (skips where ${NO_NATS_SERVER})`, () => {
  let first: Served;
  let text = '';

  /** There is a request under way all the time; none may be lost, and every answer must be the same. */
  const whileAsking = async (happens: () => Promise<void>): Promise<void> => {
    let isOver = false;
    const client = async (): Promise<void> => {
      do expect(await ask(first)).toBe(text);
      while (!isOver);
    };
    const clients = Promise.all([client(), client()]);
    await Promise.race([happens(), clients]).finally(() => (isOver = true));
    await clients;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kvr-nats-'));
    key = join(folder, 'room.key');
    writeFileSync(key, newClusterKey());
    await saveLongLlama(join(folder, 'model'));
    nats = await NatsServer.start('--user', 'me', '--pass', PASSWORD);
    first = await serve();
  });
  afterAll(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map((command) => command.ends()));
    await nats.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a server begins before anybody is there, and says what to type', async () => {
    expect(first.server.stdout).toContain(`kvr worker --cluster ${nats.url} --room ${ROOM}`);
    expect(await readiness(first)).toMatchObject({ status: 'waiting', workers: 0 });
  });

  test('a command that would have nobody to work for it ends with one line', async () => {
    const { status, stderr } = await runKvrHere(['generate', ...shared(), '--room', 'empty', 'Hello']);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/no worker of model .* is in room empty/)]);
  });

  test('a password that NATS does not take is told, and none is shown', async () => {
    const wrong = nats.url.replace('//', '//me:wrong-one@');
    const { status, stderr } = await runKvrHere(['generate', ...shared(), '--cluster', wrong, 'Hello']);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/no connection to room lab at .*: .*authori/i),
    ]);
    expect(stderr).not.toMatch(/wrong-one/);
  });

  test('who joins is used by the next request, also the third one, and who leaves finishes what it does', async () => {
    for (const [place, name] of ['one', 'two', 'three'].entries()) {
      startWorker(name);
      await first.server.says(new RegExp(`worker ${name} has joined; ${place + 1} worker`));
      const answer = await ask(first);
      expect([await ranksOfLast(first), answer]).toEqual([place + 1, text || answer]);
      text = answer;
    }
    const leaving = running.at(-1) as RunningCommand;
    await whileAsking(async () => {
      leaving.child.kill('SIGTERM');
      await first.server.says(/worker three is gone as it said; 2 workers/);
      expect(await leaving.ends()).toBe(130);
    });
    expect(await ask(first)).toBe(text);
    expect(await ranksOfLast(first)).toBe(2);
  });

  test('nats-server is killed while requests run, and comes back with nothing: none is lost, and who comes then is found', async () => {
    let late: RunningCommand | undefined;
    await whileAsking(async () => {
      await nats.kill();
      await first.server.says(/room lab at \S+ is gone; links between machines stand/);
      late = startWorker('late');
      await late.says(/no connection to room lab .*tries again/);
      await nats.restart();
      await first.server.says(/worker late has joined; 3 workers/);
    });
    expect(await ask(first)).toBe(text);
    expect(first.server.stderr).not.toMatch(/worker (one|two) is gone/);
    late?.child.kill('SIGTERM');
    await first.server.says(/worker late is gone as it said/);
  });

  test('what strangers in the room say is no harm: garbage, floods, dead addresses, and what others are said to do', async () => {
    const stranger = await connect({ servers: nats.url, user: 'me', pass: PASSWORD });
    const cards = new Map<string, WorkerCard>();
    stranger.subscribe(`kvr.${ROOM}.worker.*`, {
      callback: (_, message) => void cards.set(message.subject, message.json<WorkerCard>()),
    });
    await until(() => cards.size >= 2, 'the cards of the workers');
    const say = (subject: string, what: unknown): void =>
      stranger.publish(subject, typeof what === 'string' ? what : JSON.stringify(what));
    const honest = [...cards];
    for (const [subject, card] of honest) {
      say(subject, { ...card, state: 'leaving' });
      say(subject, { ...card, address: '127.0.0.1:1' });
      for (const garbage of ['', 'x', '[', 'x'.repeat(100_000), { ...card, name: '../..' }])
        say(subject, garbage);
      for (let number = 0; number < 500; number++) {
        const process = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
        say(`kvr.${ROOM}.worker.${process}`, { ...card, process, address: `127.0.0.1:${(number % 9) + 1}` });
      }
    }
    for (let call = 0; call < 100; call++) say(`kvr.${ROOM}.call`, 'x');
    await stranger.close();
    expect(await ask(first)).toBe(text);
    expect(await readiness(first)).toMatchObject({ status: 'ready', workers: 2, alive: 2 });
    const metrics = await (await fetch(`${first.url}/metrics`)).text();
    for (const reason of ['card', 'unreached'])
      expect(metrics).toMatch(new RegExp(`^kvr_peers_refused_total\\{reason="${reason}"\\} [1-9]`, 'm'));
    const honestOne = startWorker('honest');
    await first.server.says(/worker honest has joined; 3 workers/);
    honestOne.child.kill('SIGTERM');
    await first.server.says(/worker honest is gone as it said/);
  });

  test('of two engines over the same workers neither has to wait until the other pauses', async () => {
    const second = await serve();
    const done = new Map([first, second].map((each) => [each, 0]));
    const least = (): number => Math.min(...done.values());
    // Processes get unequal shares of a busy machine, so shares are no measure here; who is shut out gets nothing at all.
    const isOver = (): boolean => least() >= TURNS || Math.max(...done.values()) >= 20 * TURNS;
    const client = async (served: Served): Promise<void> => {
      while (!isOver()) {
        expect(await ask(served)).toBe(text);
        done.set(served, (done.get(served) ?? 0) + 1);
      }
    };
    await Promise.all([first, first, second, second].map(client));
    expect(least()).toBeGreaterThanOrEqual(TURNS);
  });

  test('an engine with another key is let in by nobody, and the workers go on', async () => {
    const other = join(folder, 'other.key');
    writeFileSync(other, newClusterKey());
    const flags = ['generate', ...shared(), '--cluster-key-file', other, 'Hello'];
    const { status, stderr } = await runKvrHere(flags);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/is not taken: .*same --cluster-key-file/)]);
    expect(await ask(first)).toBe(text);
    for (const { stdout, stderr } of running) expect(stdout + stderr).not.toContain(PASSWORD);
  });
});
