import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { controlFrame, type Frame } from '../../../link/frame.js';
import type { Link, LinkHandlers } from '../../../link/link.js';
import { memoryLinkPair } from '../../../link/memory-link.js';
import { Connections } from '../connections.js';
import type { Connection } from './connection.js';
import { ENGINE_SILENCE_MS, HANDSHAKE_TIMEOUT_MS, PEER_SILENCE_MS, Silence, SWEEP_MS } from './silence.js';

type Role = Connection['role'];

/** A worker's connections on a clock of the test's own; each has a far end that hears and may speak. */
class Scene {
  nowMs = 1000;
  readonly closes: (Error | undefined)[] = [];
  readonly #connections = new Connections(
    'own',
    { onFrame: () => undefined, onClose: (_, error) => this.closes.push(error) },
    () => this.nowMs,
  );
  readonly #silence = new Silence(this.#connections, () => this.nowMs);

  add(role: Role): { connection: Connection; far: Link; heard: Frame[] } {
    const heard: Frame[] = [];
    let far: Link | undefined;
    const connection = this.#connections.adopt((handlers: LinkHandlers) => {
      const onFrame = (frame: Frame): void => void heard.push(frame);
      const [near, other] = memoryLinkPair(handlers, { onFrame, onClose: () => undefined });
      far = other;
      return near;
    });
    connection.role = role;
    return { connection, far: far as unknown as Link, heard };
  }

  /** Lets time pass, with a look every second, and what was sent arrive. */
  async pass(ms: number, each: () => void = () => undefined): Promise<void> {
    for (let passed = 0; passed < ms; passed += SWEEP_MS) {
      each();
      await turn();
      await turn();
      this.nowMs += SWEEP_MS;
      this.#silence.look();
      await turn();
      await turn();
    }
  }

  /** Time in which nobody looks, since the thread is held up. */
  async hang(ms: number): Promise<void> {
    this.nowMs += ms;
    this.#silence.look();
    await turn();
  }
}

test.each<[Role, number]>([
  ['unknown', HANDSHAKE_TIMEOUT_MS],
  ['peer', PEER_SILENCE_MS],
  ['engine', ENGINE_SILENCE_MS],
])('a silent connection of role %s ends after its limit and not before', async (role, limitMs) => {
  const scene = new Scene();
  scene.add(role);
  await scene.pass(limitMs);
  expect(scene.closes).toEqual([]);
  await scene.pass(SWEEP_MS);
  expect(scene.closes).toEqual([expect.objectContaining({ code: 'LINK' })]);
});

test.each<[Role, boolean]>([
  ['unknown', true],
  ['peer', false],
  ['engine', false],
])(
  'what is said now and then keeps a connection of role %s, except a stranger (ends: %s)',
  async (role, ends) => {
    const scene = new Scene();
    const { far } = scene.add(role);
    await scene.pass(3 * ENGINE_SILENCE_MS, () => far.send(controlFrame('drip')));
    expect(scene.closes.length > 0).toBe(ends);
  },
);

test('a peer that we have paused ourselves is given its whole limit once we listen again', async () => {
  const scene = new Scene();
  const { connection } = scene.add('peer');
  connection.link.pause();
  await scene.pass(10 * PEER_SILENCE_MS);
  connection.link.resume();
  await scene.pass(PEER_SILENCE_MS);
  expect(scene.closes).toEqual([]);
  await scene.pass(SWEEP_MS);
  expect(scene.closes).toHaveLength(1);
});

test('time in which this thread was held up counts against nobody', async () => {
  const scene = new Scene();
  scene.add('peer');
  await scene.hang(10 * PEER_SILENCE_MS);
  expect(scene.closes).toEqual([]);
  await scene.pass(PEER_SILENCE_MS);
  expect(scene.closes).toHaveLength(1);
});

test('a peer whose greeting is awaited is left to the limit of its greeting', async () => {
  const scene = new Scene();
  const { connection, far } = scene.add('peer');
  connection.lastHeardMs = Infinity;
  await scene.pass(4 * PEER_SILENCE_MS);
  expect(scene.closes).toEqual([]);
  far.send(controlFrame({ type: 'ready' }));
  await scene.pass(PEER_SILENCE_MS + 2 * SWEEP_MS);
  expect(scene.closes).toHaveLength(1);
});

test('peers get a ping with every look, others nothing', async () => {
  const scene = new Scene();
  const [peer, engine, stranger] = (['peer', 'engine', 'unknown'] as const).map((role) => scene.add(role));
  await scene.pass(3 * SWEEP_MS);
  expect(peer?.heard).toEqual(new Array(3).fill(controlFrame({ type: 'ping' })));
  expect([engine?.heard, stranger?.heard]).toEqual([[], []]);
});

test('two workers that have nothing to send keep their link', async () => {
  const scene = new Scene();
  const { far } = scene.add('peer');
  const pings = (): void => far.send(controlFrame({ type: 'ping' }));
  await scene.pass(4 * PEER_SILENCE_MS, pings);
  expect(scene.closes).toEqual([]);
});
