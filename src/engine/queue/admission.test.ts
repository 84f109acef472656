import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import type { Cluster, ClusterWorker } from '../../cluster/cluster.js';
import { requestSpecSchema } from '../../core/request.js';
import { RunningChain } from '../chain/running-chain.js';
import { requestSchema } from '../options/request.js';
import { Admission, type Admitted } from './admission.js';
import { Deadline } from './deadline.js';
import type { EngineParts } from './engine-parts.js';
import type { ValidatedRequest } from './validated-request.js';

/** Workers that a test has come and go. */
class FakeCluster implements Cluster {
  readonly allowsAllCoreDecode = false;
  readonly #ids: readonly string[];
  readonly #listeners = new Set<() => void>();
  workers: readonly ClusterWorker[] = [];

  constructor(ids: readonly string[]) {
    this.#ids = ids;
    this.setUsable(ids);
  }

  get members() {
    const usable = this.workers.map(({ handle }) => handle.id);
    return this.#ids.map((id) => ({ id, status: usable.includes(id) ? 'usable' : 'opening' }) as const);
  }

  setUsable(ids: readonly string[]): void {
    const handle = { listen: () => () => undefined, isEnded: false };
    const ready = { kvBytesLimit: 1e9 };
    this.workers = ids.map((id) => ({ handle: { ...handle, id }, ready }) as unknown as ClusterWorker);
    for (const listener of [...this.#listeners]) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function admissionOver(ids: readonly string[]) {
  const cluster = new FakeCluster(ids);
  const settings = { maxRunning: 4, maxWaiting: 4 };
  const chain = new RunningChain(cluster, settings.maxRunning);
  const parts = { model: { shape: TINY_LLAMA }, settings, chain, calibration: undefined };
  return { cluster, admission: new Admission(parts as unknown as EngineParts) };
}

function requestOf(fields: object, signal = new AbortController().signal): ValidatedRequest {
  return {
    spec: requestSpecSchema.parse({ maxTokens: 4, prefixCache: false }),
    ids: Int32Array.of(1, 2, 3, 4, 5, 6),
    settings: requestSchema.parse(fields),
    ...{ signal, deadline: new Deadline(undefined), startMs: 0 },
  };
}

/** Ends it: a busy chain may be turned round for the next. */
function chainOf({ workers, end }: Admitted): string[] {
  end();
  return workers.map(({ handle }) => handle.id);
}

test('a request gets the workers that it may use and that are there', async () => {
  const { cluster, admission } = admissionOver(['a', 'b', 'c']);
  const named = { chain: { workers: ['c', 'a'] } };
  expect(chainOf(await admission.admit(requestOf({})))).toEqual(['a', 'b', 'c']);
  expect(chainOf(await admission.admit(requestOf(named)))).toEqual(['a', 'c']);
  expect(chainOf(await admission.admit(requestOf({ chain: { workers: 2 } })))).toEqual(['a', 'b']);
  cluster.setUsable(['b', 'c']);
  expect(chainOf(await admission.admit(requestOf(named)))).toEqual(['c']);
  await expect(admission.admit(requestOf({ chain: { workers: ['d'] } }))).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: 'chain: there is no worker d; there are a, b, c',
  });
});

test('who waits for a worker that is missing keeps nobody from those that are there', async () => {
  const { cluster, admission } = admissionOver(['a', 'b']);
  cluster.setUsable(['a']);
  let admitted: Admitted | undefined;
  const waiting = admission
    .admit(requestOf({ chain: { workers: ['b'] } }), true)
    .then((got) => (admitted = got));
  expect(chainOf(await admission.admit(requestOf({ chain: { workers: ['a'] } })))).toEqual(['a']);
  await turn();
  expect([admitted, admission.load.waiting]).toEqual([undefined, 1]);
  cluster.setUsable(['a', 'b']);
  expect(chainOf(await waiting)).toEqual(['b']);
  expect(admission.load.waiting).toBe(0);
});

test('a request that is cancelled while it waits for a worker leaves nothing behind', async () => {
  const { cluster, admission } = admissionOver(['a']);
  cluster.setUsable([]);
  const controller = new AbortController();
  const waiting = admission.admit(requestOf({}, controller.signal), true);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  cluster.setUsable(['a']);
  await turn();
  expect(admission.load).toMatchObject({ running: 0, waiting: 0 });
});
