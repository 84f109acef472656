import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { controlFrame, type Frame } from '../../link/frame.js';
import type { Link, LinkHandlers } from '../../link/link.js';
import { memoryLinkPair } from '../../link/memory-link.js';
import {
  ENGINE_YIELD_MS,
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_PER_HOST,
  MAX_ENGINES,
  MAX_HELLO_BYTES,
  MAX_STRANGERS,
  MAX_STRANGERS_PER_HOST,
} from './door/caller-limits.js';
import { Connections } from './connections.js';
import type { Connection } from './door/connection.js';

class Scene {
  nowMs = 0;
  readonly frames: Frame[] = [];
  readonly connections = new Connections(
    'own',
    { onFrame: (_, frame) => void this.frames.push(frame), onClose: () => undefined },
    () => this.nowMs,
  );

  /** A caller's end of a new connection, and the worker's. */
  call(
    host: string | undefined,
    role: Connection['role'] = 'unknown',
  ): { far: Link; near: Connection | undefined } {
    let far: Link | undefined;
    const before = this.connections.all.size;
    this.connections.admit((handlers: LinkHandlers) => {
      const [near, other] = memoryLinkPair(handlers, { onFrame: () => undefined, onClose: () => undefined });
      far = other;
      return near;
    }, host);
    const near = this.connections.all.size > before ? [...this.connections.all].at(-1) : undefined;
    if (near) near.role = role;
    return { far: far as unknown as Link, near };
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 5; round++) await turn();
  }

  count(role: Connection['role']): number {
    return [...this.connections.all].filter((each) => each.role === role).length;
  }
}

const ELSEWHERE = '10.0.0.7';

test.each([
  [ELSEWHERE, MAX_STRANGERS_PER_HOST],
  [`::ffff:${ELSEWHERE}`, MAX_STRANGERS_PER_HOST],
  ['127.0.0.1', MAX_STRANGERS],
  [undefined, MAX_STRANGERS],
])('of strangers from %s the newest %i stay, and whoever has greeted', async (host, limit) => {
  const scene = new Scene();
  const engine = scene.call(host, 'engine');
  const callers = Array.from({ length: 200 }, () => scene.call(host));
  await scene.settle();
  expect(scene.count('unknown')).toBe(limit);
  expect(callers.map(({ far }) => far.isClosed)).toEqual(callers.map((_, at) => at < 200 - limit));
  expect(engine.far.isClosed).toBe(false);
});

test('strangers of one machine do not push out those of another', async () => {
  const scene = new Scene();
  const honest = scene.call('10.0.0.8');
  for (let call = 0; call < 200; call++) scene.call(ELSEWHERE);
  await scene.settle();
  expect(honest.far.isClosed).toBe(false);
});

test('connections that have greeted are bounded as well, of one machine and of all; the newcomer is refused', async () => {
  const scene = new Scene();
  const first = scene.call(ELSEWHERE, 'peer');
  for (let call = 0; call < MAX_CONNECTIONS_PER_HOST + 9; call++) scene.call(ELSEWHERE, 'peer');
  expect(scene.count('peer')).toBe(MAX_CONNECTIONS_PER_HOST);
  for (let call = 0; call < MAX_CONNECTIONS; call++) scene.call('127.0.0.1', 'peer');
  await scene.settle();
  expect(scene.count('peer')).toBe(MAX_CONNECTIONS);
  expect(first.far.isClosed).toBe(false);
});

test('an engine more than there may be takes the place of one that is silent, or is refused', async () => {
  const scene = new Scene();
  const engines = Array.from({ length: MAX_ENGINES }, () => scene.call(ELSEWHERE, 'engine'));
  scene.nowMs = ENGINE_YIELD_MS + 1;
  const refuse = (): void => scene.connections.makeRoomForEngine();
  for (const { near } of engines.slice(1)) if (near) near.lastHeardMs = scene.nowMs;
  refuse();
  await scene.settle();
  expect(engines.map(({ far }) => far.isClosed)).toEqual(engines.map((_, at) => at === 0));
  scene.call(ELSEWHERE, 'engine');
  expect(refuse).toThrow(expect.objectContaining({ code: 'WORKER_REFUSED' }));
});

test.each<[string, unknown, number]>([
  ['a long message', 'x'.repeat(MAX_HELLO_BYTES), 0],
  ['a payload', {}, 1],
])(
  'a first frame with %s ends its connection before memory is taken; of one that has greeted it is taken',
  async (_, message, bytes) => {
    for (const role of ['unknown', 'engine'] as const) {
      const scene = new Scene();
      const { far } = scene.call(ELSEWHERE, role);
      far.send(controlFrame(message, new Uint8Array(bytes)));
      await scene.settle();
      expect([far.isClosed, scene.frames.length]).toEqual(role === 'unknown' ? [true, 0] : [false, 1]);
      expect(scene.connections.budget.heldBytes).toBe(0);
    }
  },
);
