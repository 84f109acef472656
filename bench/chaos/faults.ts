/**
 * The faults: each strikes one worker or its link, and is over when its promise settles and everything is whole again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Engine } from '../../src/index.js';
import type { Connection } from './faulty-link.js';
import type { SmallDisk } from '../../test/support/small-disk.js';
import type { TcpWorker } from './tcp-workers.js';

/** Longer than the engine and the workers take to notice silence (5 s). */
const SILENCE_MS = 8_000;
const DELAY_MS = 150;
const DELAYED_FOR_MS = 4_000;
/** Before a worker that was killed is started again by hand. */
const HAND_MS = 1_000;

export type FaultName = 'kill' | 'fill' | 'stop' | 'drop' | 'cut' | 'freeze' | 'delay' | 'truncate' | 'flip';
export const FAULTS: readonly FaultName[] = [
  'kill',
  'fill',
  'stop',
  'drop',
  'cut',
  'freeze',
  'delay',
  'truncate',
  'flip',
];
/** What can be done to a process alone. */
export const LOCAL_FAULTS: readonly FaultName[] = ['kill', 'fill', 'stop'];

export type Strike = () => Promise<void>;

/** @param disk with the cache on it, for the fault that fills it */
export function localFault(
  name: FaultName,
  engine: Engine,
  random: () => number,
  disk?: Pick<SmallDisk, 'fill' | 'free'>,
): Strike {
  const strike = async (signal: 'SIGKILL' | 'SIGSTOP'): Promise<void> => {
    const { workers } = engine;
    const worker = workers[Math.floor(random() * workers.length)];
    if (!worker) return;
    process.kill(worker.ready.pid, signal);
    // One that is stopped is given up by the engine after a while, and killed.
    await worker.handle.ended;
  };
  if (name !== 'fill') return () => strike(name === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  // The disk stays full from here on: the worker must come back all the same.
  return async () => {
    disk?.free();
    disk?.fill();
    await strike('SIGKILL');
  };
}

export function tcpFault(name: FaultName, worker: TcpWorker, random: () => number): Strike {
  const { link } = worker;
  switch (name) {
    // Workers over TCP have no part in the engine's cache.
    case 'fill':
    case 'kill':
      return async () => {
        await worker.kill();
        await pause(HAND_MS);
        await worker.startAgain();
      };
    case 'stop':
      return async () => {
        worker.signal('SIGSTOP');
        await pause(SILENCE_MS);
        worker.signal('SIGCONT');
      };
    case 'drop':
      return async () => link.cut();
    case 'cut':
      return async () => link.cut(isBetweenWorkers(worker));
    case 'freeze':
      return async () => {
        link.freeze();
        await pause(SILENCE_MS);
        link.thaw();
      };
    case 'delay':
      return async () => {
        link.delay(DELAY_MS);
        await pause(DELAYED_FOR_MS);
        link.delay(0);
      };
    case 'truncate':
      return () => damageOnce(worker, (chunk) => (chunk.length > 1 ? 'end' : chunk));
    case 'flip':
      return () =>
        damageOnce(worker, (chunk) => {
          const bit = Math.floor(random() * chunk.length * 8);
          const damaged = Buffer.from(chunk);
          damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          return damaged;
        });
  }
}

/** All but the newest of an engine's connections: an engine sends its ping on one of its own, workers only what they have. */
function isBetweenWorkers({ link }: TcpWorker): (connection: Connection) => boolean {
  const first = Math.min(...link.connections.map(({ number }) => number));
  return ({ number }) => number > first;
}

/** Settles when one chunk has been damaged. */
function damageOnce({ link }: TcpWorker, how: (chunk: Buffer) => Buffer | 'end'): Promise<void> {
  return new Promise((resolve) => {
    link.damage(() => (chunk) => {
      link.damage(undefined);
      resolve();
      return how(chunk);
    });
  });
}
