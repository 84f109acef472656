import { expect, test } from 'vitest';
import { packVocabulary } from '../../../grammar/vocabulary.js';
import type { Matcher } from '../../../grammar/matcher.js';
import { type ComputeParts, computeParts, jobOf } from '../compute-parts.test-support.js';
import type { FakeCache } from '../fake-model.test-support.js';
import { FakeModel } from '../fake-model.test-support.js';
import type { ComputeContext } from '../requests/compute-context.js';
import { DecodeBatch } from './decode-batch.js';

const PROMPT_TOKENS = 4;

type Decoding = ComputeParts & { readonly model: FakeModel; readonly batch: DecodeBatch };

function decoding(change: (context: ComputeContext) => ComputeContext = (context) => context): Decoding {
  const model = new FakeModel();
  const parts = computeParts(model, () => undefined);
  return { ...parts, model, batch: new DecodeBatch(change(parts.context)) };
}

/** Opens a request as a prompt would leave it, and takes it in; its first token is the one after the prompt. */
async function add(
  { context, batch, model }: Decoding,
  request: number,
  spec: NonNullable<Parameters<typeof jobOf>[0]>['spec'],
  answered: readonly number[] = [],
): Promise<FakeCache> {
  const answer = Int32Array.from(answered);
  const job = jobOf({ request, partition: [PROMPT_TOKENS], answer, spec: { maxTokens: 20, ...spec } });
  const opened = await context.requests.open(job);
  const logits = new Float32Array(model.shape.vocabulary);
  logits[model.choose(PROMPT_TOKENS + answered.length - 1)] = 1;
  await batch.add(opened, logits);
  return opened.cache as FakeCache;
}

const tokensOf = ({ sent }: Decoding, request: number): number[] =>
  sent
    .of('token')
    .filter((token) => token.request === request)
    .map(({ id }) => id);

test('one token a step, each computed at its position over its own cache, up to the length asked for', async () => {
  const all = decoding();
  const cache = await add(all, 1, { maxTokens: 3 });
  expect([all.batch.rows, all.batch.tokensLeft]).toEqual([1, 2]);
  await all.batch.step(false);
  expect(cache.written(2)).toEqual([4]);
  await all.batch.step(false);
  expect(tokensOf(all, 1)).toEqual([3, 4, 5]);
  expect(all.sent.of('token').map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(all.model.calls.filter((call) => call.startsWith('embed'))).toEqual([
    'embed 3 at [4,5)',
    'embed 4 at [5,6)',
  ]);
  expect(all.sent.of('finished')).toEqual([{ type: 'finished', request: 1, reason: 'length' }]);
  expect([all.batch.isEmpty, all.batch.tokensLeft]).toEqual([true, 0]);
  expect([...all.model.live]).toEqual([]);
});

test('an end token ends an answer, also as its first', async () => {
  const all = decoding();
  await add(all, 1, { eosIds: [5] });
  await add(all, 2, { eosIds: [3] });
  expect(all.sent.of('finished')).toMatchObject([{ request: 2, reason: 'stop' }]);
  await all.batch.step(false);
  await all.batch.step(false);
  expect(all.sent.of('finished').at(-1)).toMatchObject({ request: 1, reason: 'stop' });
  expect(tokensOf(all, 1)).toEqual([3, 4, 5]);
});

test('sequences of different lengths go as rows of one call', async () => {
  const all = decoding();
  await add(all, 1, {});
  await all.batch.step(false);
  await add(all, 2, {});
  all.model.calls.length = 0;
  await all.batch.step(false);
  expect(all.model.calls).toEqual([
    'embed 4 3 at 5 4',
    'block 0 of 5 4',
    'each 0 of 5 4',
    'block 1 of 5 4',
    'each 1 of 5 4',
    'block 2 of 5 4',
    'each 2 of 5 4',
    'logits of 5 4',
  ]);
  expect(tokensOf(all, 1)).toEqual([3, 4, 5]);
  expect(tokensOf(all, 2)).toEqual([3, 4]);
});

test('one that is cancelled in the middle of a step leaves after it, and the others go on', async () => {
  const all = decoding();
  const cache = await add(all, 1, {});
  await add(all, 2, {});
  all.model.onCall = (call) => {
    if (call.startsWith('block 1')) all.incoming.push({ type: 'cancel', request: 1 });
  };
  await all.batch.step(false);
  expect(all.sent.of('finished')).toEqual([{ type: 'finished', request: 1, reason: 'cancelled' }]);
  expect(cache.isClosed).toBe(true);
  all.model.onCall = () => undefined;
  await all.batch.step(false);
  expect(tokensOf(all, 1)).toEqual([3]);
  expect(tokensOf(all, 2)).toEqual([3, 4, 5]);
});

test.each(['cancel', 'close'] as const)('a step for nobody stops between two layers: %s', async (type) => {
  const all = decoding();
  await add(all, 1, {});
  all.model.onCall = (call) => {
    if (call.startsWith('each 0')) all.incoming.push(type === 'close' ? { type } : { type, request: 1 });
  };
  await all.batch.step(false);
  expect(all.model.calls.at(-1)).toBe('each 0 of [4,5)');
  expect(all.sent.of('finished')).toMatchObject([{ request: 1, reason: 'cancelled' }]);
  expect([...all.model.live]).toEqual([]);
});

test('where the device fails, every sequence of the step is told so and nothing is kept', async () => {
  const all = decoding();
  await add(all, 1, { prefixCache: true });
  await add(all, 2, {});
  all.model.onCall = (call) => {
    if (call.startsWith('each 1')) throw new Error('the device is lost');
  };
  await all.batch.step(false);
  expect(all.sent.of('failed')).toMatchObject([
    { request: 1, phase: 'decode', code: 'INTERNAL' },
    { request: 2, phase: 'decode', code: 'INTERNAL' },
  ]);
  expect(all.batch.isEmpty).toBe(true);
  expect([...all.model.live]).toEqual([]);
});

/** As far as a batch looks into it. */
function matcherOf(parts: Partial<Pick<Matcher, 'restrict' | 'accept' | 'mustEnd'>>): Matcher {
  return { restrict: () => undefined, accept: () => undefined, mustEnd: false, ...parts } as Matcher;
}

function withMatchers(matchers: Readonly<Record<number, Matcher>>) {
  return (context: ComputeContext): ComputeContext => {
    const grammars = {
      matcherFor: ({ request }: { readonly request: number }) => matchers[request],
      constraintFor: (_: unknown, matcher: Matcher | undefined) => matcher,
    };
    return { ...context, grammars: grammars as unknown as ComputeContext['grammars'] };
  };
}

test('a grammar that fails ends its own answer only', async () => {
  let calls = 0;
  const restrict = (): void => {
    if (++calls === 2) throw new Error('nothing may come next');
  };
  const all = decoding(withMatchers({ 1: matcherOf({ restrict }) }));
  await add(all, 1, {});
  await add(all, 2, {});
  await all.batch.step(false);
  expect(all.sent.of('failed')).toMatchObject([{ request: 1, phase: 'decode' }]);
  expect(tokensOf(all, 1)).toEqual([3]);
  expect(tokensOf(all, 2)).toEqual([3, 4]);
  expect(all.batch.rows).toBe(1);
});

test('an answer to which a grammar allows nothing more ends', async () => {
  const all = decoding(withMatchers({ 1: matcherOf({ mustEnd: true }) }));
  await add(all, 1, {});
  expect(all.sent.of('finished')).toMatchObject([{ request: 1, reason: 'stop' }]);
});

test('thinking that has become too long is ended, and the answer goes on; the others of the batch are left alone', async () => {
  const all = decoding((context) => {
    const { vocabulary } = context.model.shape;
    const names = { vocabulary, bytesOf: (id: number) => Buffer.from(`<${id}>`), nameOf: () => undefined };
    context.grammars.learn(0, packVocabulary(names), vocabulary);
    return context;
  });
  const limit = { tokens: 2, open: '<3>', close: '<9>', endIds: [0, 1], isInside: false, mayReopen: false };
  await add(all, 1, { thinkingLimit: limit, maxTokens: 9 });
  await add(all, 2, { maxTokens: 9 });
  for (let step = 0; step < 5; step++) await all.batch.step(false);
  expect(tokensOf(all, 2)).toHaveLength(6);
  expect(tokensOf(all, 1)).toEqual([3, 4, 5, 0, 1, ...tokensOf(all, 2).slice(5)]);
});

test('an answer of no tokens ends as it begins, and keeps its rows', async () => {
  const all = decoding();
  await add(all, 1, { maxTokens: 0, prefixCache: true });
  expect(all.sent.of('token')).toEqual([]);
  expect(all.sent.of('finished')).toMatchObject([{ request: 1, reason: 'length' }]);
  expect(all.sent.of('kept')).toMatchObject([{ request: 1 }]);
  expect(all.batch.isEmpty).toBe(true);
});

test('a grammar without its vocabulary is refused before the first token', async () => {
  const all = decoding();
  await expect(add(all, 1, { grammar: { type: 'string' } })).rejects.toMatchObject({ code: 'PROTOCOL' });
  expect(all.batch.isEmpty).toBe(true);
});

test.each([
  ['f32', [0, 1, 2, 3, 3, 4]],
  ['q8', [0, 1, 2, 3]],
] as const)(
  'with %s weights the cache is kept for the ids whose rows a prompt would compute',
  async (dtype, ids) => {
    const all = decoding();
    all.model.dtype = dtype;
    const cache = await add(all, 1, { prefixCache: true, maxTokens: 3 });
    await all.batch.step(false);
    await all.batch.step(false);
    expect(all.sent.of('kept')).toEqual([{ type: 'kept', request: 1, ids: Int32Array.from(ids) }]);
    expect(all.sent.all.at(-1)).toMatchObject({ type: 'finished', reason: 'length' });
    expect(all.model.live.size).toBe(1);
    all.context.requests.close();
    expect([all.model.live.size, cache.isClosed]).toEqual([0, true]);
  },
);

test('the logits after the prompt come with the first token where they were asked for', async () => {
  const all = decoding();
  await add(all, 1, { wantLogits: true });
  await all.batch.step(false);
  expect(all.sent.of('token').map(({ logits }) => logits?.length)).toEqual([10, undefined]);
});

test('a step on all cores says so once all graphs are open for it', async () => {
  const all = decoding();
  const allCores = { isOpen: false, openNext: () => Promise.resolve() };
  all.model.allCores = allCores;
  await add(all, 1, {});
  await all.batch.step(true);
  expect(all.model.calls).toContain('logits of [4,5) on all cores');
  allCores.isOpen = true;
  await all.batch.step(true);
  await all.batch.step(false);
  expect(all.sent.of('token').map(({ onAllCores }) => onAllCores)).toEqual([
    undefined,
    undefined,
    true,
    undefined,
  ]);
});

test('an answer that an earlier chain has begun goes on behind its tokens, up to the length asked for', async () => {
  const all = decoding();
  const cache = await add(all, 1, { maxTokens: 4, wantLogits: true, prefixCache: true }, [3, 4]);
  expect(all.batch.tokensLeft).toBe(1);
  await all.batch.step(false);
  expect(all.sent.of('token').map(({ id, index, logits }) => [id, index, logits])).toEqual([
    [5, 2, undefined],
    [6, 3, undefined],
  ]);
  // Its rows before that are the prompt phase's.
  expect(cache.written(0)).toEqual([6]);
  expect(all.sent.of('kept').map(({ ids }) => [...ids])).toEqual([[0, 1, 2, 3, 3, 4, 5]]);
  expect(all.sent.of('finished')).toMatchObject([{ reason: 'length' }]);
});

test('an answer that was whole when its chain was lost ends without another token', async () => {
  const accepted: number[] = [];
  const matcher = matcherOf({ mustEnd: true, accept: (id) => void accepted.push(id) });
  const all = decoding(withMatchers({ 1: matcher }));
  await add(all, 1, {}, [3, 4]);
  expect(accepted).toEqual([3, 4]);
  expect(all.sent.of('token')).toEqual([]);
  expect(all.sent.of('finished')).toMatchObject([{ request: 1, reason: 'stop' }]);
});
