import { expect, test } from 'vitest';
import { type Sampling, samplingSchema } from '../../core/sampling.js';
import { seededRandom } from '../../core/random.js';
import { Sampler } from './sampler.js';

const LOGITS = [0.5, 2, -1, 2, 1.5, -30];
const sampler = (sampling: Partial<Sampling>, prompt: number[] = []): Sampler =>
  new Sampler(samplingSchema.parse(sampling), prompt);
const choose = (sampling: Partial<Sampling>, prompt: number[] = []): number =>
  sampler(sampling, prompt).next(Float32Array.from(LOGITS)).id;

/** Slow and plain: what every rule means, by sorting everything. */
function allowed({ temperature, topK, topP, minP }: Sampling, logits: readonly number[]): number[] {
  const weights = logits.map((logit, id) => ({ id, p: Math.exp(logit / temperature) }));
  const normal = (list: { id: number; p: number }[]): { id: number; p: number }[] => {
    const total = list.reduce((sum, { p }) => sum + p, 0);
    return list.map(({ id, p }) => ({ id, p: p / total }));
  };
  let left = normal(weights).sort((a, b) => b.p - a.p || a.id - b.id);
  if (topK > 0) left = normal(left.slice(0, topK));
  let reached = 0;
  left = normal(left.filter(({ p }) => (reached += p) - p < topP));
  return left.filter(({ p }) => p >= minP * (left[0]?.p ?? 0)).map(({ id }) => id);
}

test('greedy takes the likeliest, of equals the smaller id', () => {
  expect(choose({})).toBe(1);
});

test('top-k, top-p and min-p leave what a plain reading of them leaves', () => {
  const random = seededRandom(3);
  for (let round = 0; round < 60; round++) {
    const logits = Array.from({ length: 30 }, () => 6 * random());
    const sampling = samplingSchema.parse({
      temperature: 0.3 + 2 * random(),
      topK: round % 3 === 0 ? 1 + Math.floor(10 * random()) : 0,
      topP: round % 2 === 0 ? 0.05 + 0.9 * random() : 1,
      minP: round % 5 === 0 ? random() : 0,
      seed: round,
    });
    const drawing = new Sampler(sampling, []);
    const seen = new Set<number>();
    for (let i = 0; i < 400; i++) seen.add(drawing.next(Float32Array.from(logits)).id);
    const expected = allowed(sampling, logits);
    expect([...seen].filter((id) => !expected.includes(id))).toEqual([]);
    expect(seen.has(expected[0] ?? -1)).toBe(true);
  }
});

test('draws follow the probabilities', () => {
  const drawing = sampler({ temperature: 1, seed: 5 });
  const counts = [0, 0];
  for (let i = 0; i < 4000; i++) (counts[drawing.next(Float32Array.of(0, Math.log(3))).id] as number)++;
  expect((counts[1] as number) / 4000).toBeCloseTo(0.75, 1);
});

test('penalties count the answer, the repetition penalty the prompt too', () => {
  expect(choose({ repetitionPenalty: 4 }, [1])).toBe(3);
  const frequent = sampler({ frequencyPenalty: 0.3 });
  const present = sampler({ presencePenalty: 2 });
  const next = (one: Sampler): number => one.next(Float32Array.of(1, 0.5)).id;
  expect([1, 2, 3, 4].map(() => next(frequent))).toEqual([0, 0, 1, 0]);
  expect([1, 2, 3].map(() => next(present))).toEqual([0, 1, 0]);
});

test('a bias forces and forbids; one beyond the vocabulary changes nothing', () => {
  expect(choose({ logitBias: { 5: 100 } })).toBe(5);
  expect(choose({ logitBias: { 1: -100, 3: -100 } })).toBe(4);
  expect(choose({ logitBias: { 999: 100 } })).toBe(1);
});

test('logprobs are the model’s own, whatever penalties and temperature do', () => {
  const { id, logprobs } = sampler({ topLogprobs: 3, logitBias: { 4: 100 } }).next(Float32Array.from(LOGITS));
  const total = Math.log(LOGITS.reduce((sum, logit) => sum + Math.exp(logit), 0));
  expect(id).toBe(4);
  expect(logprobs?.logprob).toBeCloseTo(1.5 - total, 5);
  expect(logprobs?.top.map((one) => one.id)).toEqual([1, 3, 4]);
  expect(logprobs?.top[0]?.logprob).toBeCloseTo(2 - total, 5);
  expect(sampler({ topLogprobs: 0 }).next(Float32Array.from(LOGITS)).logprobs?.top).toEqual([]);
  expect(sampler({}).next(Float32Array.from(LOGITS)).logprobs).toBeUndefined();
});

test('top-p of 0 leaves the likeliest, whatever the temperature and however many are as likely', () => {
  for (const logits of [
    [1, 3, 2],
    [2, 2, 2],
  ]) {
    const cold = new Sampler(samplingSchema.parse({ temperature: 5, topP: 0, seed: 3 }), []);
    const likeliest = logits.indexOf(Math.max(...logits));
    for (let turn = 0; turn < 20; turn++) expect(cold.next(Float32Array.from(logits)).id).toBe(likeliest);
  }
});

test.each([
  ['NaN', [1, NaN, 2]],
  ['infinity', [1, Infinity, 2]],
  ['infinities of both signs', [-Infinity, Infinity, 2]],
  ['no finite number', [-Infinity, -Infinity]],
])('logits with %s are one typed error, with log-probabilities or without', (_, logits) => {
  for (const sampling of [{}, { topLogprobs: 2 }, { temperature: 1 }]) {
    const next = (): unknown => sampler(sampling).next(Float32Array.from(logits));
    expect(next).toThrow(expect.objectContaining({ code: 'BAD_CHECKPOINT' }));
    expect(next).toThrow('not finite');
  }
});

test('a token that is ruled out has a log-probability that JSON can tell', () => {
  const { logprobs } = sampler({ topLogprobs: 3 }).next(Float32Array.of(1, -Infinity, 2));
  expect(logprobs?.top.map(({ id }) => id)).toEqual([2, 0, 1]);
  expect(JSON.parse(JSON.stringify(logprobs))).toEqual(logprobs);
});

test.each([
  ['greedy', {}],
  ['seeded', { temperature: 1.3, seed: 7 }],
  [
    'with penalties',
    { temperature: 0.9, seed: 8, repetitionPenalty: 1.4, frequencyPenalty: 0.6, presencePenalty: 0.3 },
  ],
] as const)('an answer that is taken up anywhere goes on as it would have: %s', (_, sampling) => {
  const random = seededRandom(5);
  const steps = Array.from({ length: 24 }, () => Array.from({ length: 12 }, () => 3 * random()));
  const goOn = (from: Sampler, at: number): number[] =>
    steps.slice(at).map((logits) => from.next(Float32Array.from(logits)).id);
  const whole = goOn(sampler(sampling, [1, 4]), 0);
  for (const at of [0, 1, 9, 23]) {
    const later = sampler(sampling, [1, 4]);
    later.takeUp(whole.slice(0, at));
    expect(goOn(later, at)).toEqual(whole.slice(at));
  }
});

test('a constraint is told of what an answer has when it is taken up', () => {
  const accepted: number[] = [];
  const constraint = { restrict: () => undefined, accept: (id: number) => void accepted.push(id) };
  new Sampler(samplingSchema.parse({}), [1], constraint).takeUp([4, 2]);
  expect(accepted).toEqual([4, 2]);
});
