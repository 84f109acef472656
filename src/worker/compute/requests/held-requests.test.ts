import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../../test/reference/shapes.js';
import { rankKvBytes } from '../../../core/kv-rows.js';
import type { ModelShape } from '../../../core/shape.js';
import { jobOf, SentMessages } from '../compute-parts.test-support.js';
import { FakeModel } from '../fake-model.test-support.js';
import type { ActiveRequest } from './active-request.js';
import { HeldRequests } from './held-requests.js';
import { apartShares } from './apart-shares.js';

const PROMPT_TOKENS = 2000;

function localModel(): FakeModel {
  const specs: ModelShape['specs'] = TINY_LLAMA.specs.map((spec) => ({
    ...spec,
    attention: { ...spec.attention, windowTokens: 100 },
  }));
  return new FakeModel({ specs });
}

/** Of a prompt that a later one may go on from. */
const keptJob = (request: number, more: Parameters<typeof jobOf>[0] = {}) =>
  jobOf({ partition: [PROMPT_TOKENS], request, ...more, spec: { prefixCache: true, ...more?.spec } });

type Room = { readonly requests: number; readonly shares: number; readonly prefixShares?: number };

/** A worker with room for so many requests, and so many requests' rows that are kept apart. */
function heldWith({ requests, shares, prefixShares = shares }: Room) {
  const model = localModel();
  const job = keptJob(1);
  const share = apartShares(job, model.shape, false)[0]?.bytes ?? 0;
  const kvBytesLimit = requests * rankKvBytes(model.shape, 'f32', job) + shares * share;
  const sent = new SentMessages();
  const limits = { kvBytesLimit, prefixCacheBytes: prefixShares * share };
  return { held: new HeldRequests(model, limits, sent.outbox), model, sent };
}

const pointsOf = (requests: readonly ActiveRequest[]): number[] =>
  requests.map(({ cache }) => (cache.apart as number[]).length);

test('a request keeps rows apart at the ends of blocks and of its prompt, as far as the prefix cache goes', async () => {
  const { held } = heldWith({ requests: 3, shares: 3, prefixShares: 2 });
  const open = [await held.open(keptJob(1)), await held.open(keptJob(2)), await held.open(keptJob(3))];
  expect(open[0]?.cache.apart).toEqual([512, 1024, 1536, PROMPT_TOKENS]);
  expect(pointsOf(open)).toEqual([4, 4, 0]);
});

test('what running requests keep apart gives way to a request that needs the room', async () => {
  const { held } = heldWith({ requests: 3, shares: 0.5, prefixShares: 9 });
  const open = [await held.open(keptJob(1)), await held.open(keptJob(2))];
  expect(pointsOf(open)).toEqual([4, 0]);
  open.push(await held.open(keptJob(3)));
  expect(pointsOf(open)).toEqual([0, 0, 0]);
  await expect(held.open(keptJob(4))).rejects.toMatchObject({ code: 'WORKER_REFUSED' });
});

test.each([
  ['that asks for no prefix cache', keptJob(1, { spec: { prefixCache: false } })],
  ['of a baseline, which keeps all rows', keptJob(1, { spec: { strategy: 'tsp' } })],
  ['of a rank whose rows do not outlive it', keptJob(1, { partition: [PROMPT_TOKENS, 9], rank: 0 })],
])('a request %s keeps nothing apart', async (_, job) => {
  const { held } = heldWith({ requests: 99, shares: 9 });
  expect(pointsOf([await held.open(job)])).toEqual([0]);
});

test('of an ended request as many tokens are kept as can be gone on from', async () => {
  const { held, sent } = heldWith({ requests: 9, shares: 9 });
  const request = await held.open(keptJob(1));
  Object.assign(request.cache, { mostContinuable: 1536 });
  await held.keep(request, Int32Array.from(request.job.ids));
  expect(sent.of('kept').map(({ ids }) => ids.length)).toEqual([1536]);
});
