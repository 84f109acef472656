/**
 * The process of the strangers: sends so many to a worker's port at an even pace, and answers when all have gone or were closed.
 */
import { setPriority } from 'node:os';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/core/random.js';
import { KINDS } from './kinds.js';

export type CrowdRun = { readonly from: number; readonly count: number; readonly perS: number };
/** How many the worker closed, of each kind; the others left by themselves. */
export type CrowdAnswer = { readonly closed: Readonly<Record<string, number>> };
export type CrowdSetup = { readonly port: number; readonly seed: number };

/** A stranger that nobody closes leaves after this. */
const STAY_MS = 7_000;
const LOWEST_PRIORITY = 19;

const { port, seed } = JSON.parse(process.argv[2] ?? '') as CrowdSetup;
const random = seededRandom(seed);
const kinds = Object.entries(KINDS);
// Its own work is no part of what is measured.
setPriority(LOWEST_PRIORITY);

async function run({ from, count, perS }: CrowdRun): Promise<CrowdAnswer> {
  const closed: Record<string, number> = {};
  const ends: Promise<void>[] = [];
  const startMs = performance.now();
  for (let at = 0; at < count; at++) {
    await delay(startMs + (at * 1000) / perS - performance.now());
    const [name, act] = kinds[(from + at) % kinds.length] as (typeof kinds)[number];
    ends.push(
      visit(from + at, act).then(
        (wasClosed) => void (closed[name] = (closed[name] ?? 0) + Number(wasClosed)),
      ),
    );
  }
  await Promise.all(ends);
  return { closed };
}

/** @returns whether the worker ended it */
async function visit(number: number, act: (typeof kinds)[number][1]): Promise<boolean> {
  const sockets: Socket[] = [];
  const open = (): Socket => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    sockets.push(socket);
    return socket;
  };
  const socket = open();
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  socket.once('connect', () => act({ socket, number, random, another: open }));
  const stayed = new AbortController();
  const left = delay(STAY_MS, false, { signal: stayed.signal }).catch(() => false);
  const wasClosed = await Promise.race([closed, left]);
  stayed.abort();
  for (const each of sockets) each.destroy();
  return wasClosed;
}

process.on('message', (message) => {
  void run(message as CrowdRun).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit(0));
process.send?.({});
