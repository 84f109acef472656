import { expect, test } from 'vitest';
import type { Link } from '../../link/link.js';
import type { ToCompute } from '../threads/thread-messages.js';
import type { ProbeMessage } from '../protocol/index.js';
import type { Connection } from './door/connection.js';
import type { Peers } from './peers.js';
import { BUSY_PARTS, PATIENCE_MS, Probes, QUIET_MS } from './probes.js';

/** Engines that measure a worker, on a clock of the test's own. */
class Scene {
  nowMs = 100_000;
  /** When engines other than the asker last had a request; Infinity for one that always has. */
  activeMs = -Infinity;
  readonly posted: number[] = [];
  readonly answers: string[] = [];
  readonly probes = new Probes(
    {
      post: (message: ToCompute) => void (message.type === 'probe' && this.posted.push(message.probe.probe)),
    },
    {} as Peers,
    { otherActiveMs: () => this.activeMs },
    512,
    () => this.nowMs,
  );

  engine(name: string): Connection {
    const link = { send: () => void this.answers.push(name) };
    return { link: link as unknown as Link } as Connection;
  }

  finish(): void {
    this.probes.onProbed({ type: 'probed', probe: 0, samples: [] });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.probes.look();
  }
}

function probe(number: number, overrides: Partial<ProbeMessage> = {}): ProbeMessage {
  const attention = [{ tokens: 512, prefixTokens: 2048 }];
  return {
    type: 'probe',
    probe: number,
    blockTokens: [1, 512],
    attention,
    kvDtype: 'f32',
    repeats: 3,
    ...overrides,
  };
}

test('a worker that nobody else uses measures at once, one engine after the other, and answers who asked', () => {
  const scene = new Scene();
  scene.probes.askKernels(scene.engine('a'), probe(1));
  scene.probes.askKernels(scene.engine('b'), probe(1));
  expect(scene.posted).toEqual([1]);
  scene.finish();
  expect(scene.posted).toEqual([1, 1]);
  scene.finish();
  expect(scene.answers).toEqual(['a', 'b']);
});

test('a flood of questions is one that waits for each engine', () => {
  const scene = new Scene();
  const [flood, honest] = [scene.engine('flood'), scene.engine('honest')];
  for (let number = 0; number < 1000; number++) scene.probes.askKernels(flood, probe(number));
  scene.probes.askKernels(honest, probe(5000));
  for (let answer = 0; answer < 3; answer++) scene.finish();
  expect(scene.posted).toEqual([0, 999, 5000]);
});

test('beside the requests of others it waits for quiet, and after a while goes between them', () => {
  const scene = new Scene();
  scene.activeMs = Infinity;
  scene.probes.askKernels(scene.engine('a'), probe(1));
  scene.pass(PATIENCE_MS);
  expect(scene.posted).toEqual([]);
  scene.pass(1);
  expect(scene.posted).toEqual([1]);
});

test('it begins as soon as the others have been quiet', () => {
  const scene = new Scene();
  scene.activeMs = scene.nowMs;
  scene.probes.askKernels(scene.engine('a'), probe(1));
  scene.pass(QUIET_MS);
  expect(scene.posted).toEqual([]);
  scene.pass(1);
  expect(scene.posted).toEqual([1]);
});

test('measurements of any number of engines take a small part of the time of one that works', () => {
  const scene = new Scene();
  scene.activeMs = Infinity;
  const probeMs = 700;
  for (let engine = 0; engine < 64; engine++) scene.probes.askKernels(scene.engine('x'), probe(engine));
  scene.pass(PATIENCE_MS + 1);
  const startMs = scene.nowMs;
  for (let step = 0; step < 1000; step++) {
    const before = scene.answers.length;
    if (scene.posted.length > before) {
      scene.nowMs += probeMs;
      scene.finish();
    } else scene.pass(100);
  }
  const share = (scene.answers.length * probeMs) / (scene.nowMs - startMs);
  expect(scene.answers.length).toBeGreaterThan(3);
  expect(share).toBeLessThan(1.5 / BUSY_PARTS);
});

test('what an engine asked before it left is not measured', () => {
  const scene = new Scene();
  const gone = scene.engine('gone');
  scene.probes.askKernels(scene.engine('a'), probe(1));
  scene.probes.askKernels(gone, probe(2));
  scene.probes.leave(gone.link);
  scene.finish();
  expect(scene.posted).toEqual([1]);
});

test.each<[string, Partial<ProbeMessage>]>([
  ['calls longer than a chunk', { blockTokens: [513] }],
  ['attention longer than a chunk', { attention: [{ tokens: 513, prefixTokens: 0 }] }],
  ['a prefix that fills memory', { attention: [{ tokens: 1, prefixTokens: 1 << 20 }] }],
  ['hours of attention', { attention: new Array(64).fill({ tokens: 512, prefixTokens: 16_000 }) as never }],
])('refuses %s', (_, overrides) => {
  const scene = new Scene();
  const ask = (): void => scene.probes.askKernels(scene.engine('a'), probe(1, overrides));
  expect(ask).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
});
