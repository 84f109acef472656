import { expect, test } from 'vitest';
import { standInEngine, spoken } from '../../../test/support/live-server.js';
import { ChoiceRun } from '../answers/choice-run.js';
import { Ledger } from '../requests/ledger.js';
import { RunningRequests } from '../requests/running.js';
import { Recall } from './recall.js';
import { parseResponses } from './request.js';
import { ResponseStore, type StoreLimits } from './store.js';

const SIGNAL = new AbortController().signal;
const plain = standInEngine(async function* (_request, ids) {
  yield* spoken('yes', ids);
});
const tokenizer = { ...plain.model.tokenizer, toolTemplate: '' };
const engine = { ...plain, model: { ...plain.model, tokenizer } } as typeof plain;
const server = {
  engine,
  settings: { defaultMaxTokens: 9, isStrictModel: false },
  ledger: new Ledger(() => null),
  running: new RunningRequests(),
};

/** @returns the id of a response that was made and is over */
async function made(store: ResponseStore, body: object): Promise<string> {
  const parsed = await parseResponses({ input: 'x', ...body }, store, engine, SIGNAL);
  const run = new ChoiceRun(`resp_${made.count++}`, parsed, server, 1000);
  const ended = run.run(SIGNAL);
  store.follow(run, ended);
  await ended;
  return run.id;
}
made.count = 0;
const storeOf = (limits: Partial<StoreLimits>) =>
  new ResponseStore({ responses: 100, chars: 1_000_000, ...limits });
const holds = (store: ResponseStore, id: string): boolean => {
  try {
    return store.input(id).length > 0;
  } catch {
    return false;
  }
};

test('of too many responses the least recently used goes, and a conversation is used as a whole', async () => {
  const store = storeOf({ responses: 3 });
  const first = await made(store, {});
  const second = await made(store, { previous_response_id: first });
  const other = await made(store, {});
  expect(new Recall(store).conversation(second)).toHaveLength(4);
  const last = await made(store, {});
  expect([first, second, other, last].map((id) => holds(store, id))).toEqual([true, true, false, true]);
});

test('responses that are too long make room too, and one that is longer than all room drives out none', async () => {
  const store = storeOf({ chars: 10_000 });
  const ids = [
    await made(store, { input: 'a'.repeat(900) }),
    await made(store, { metadata: { a: 'b'.repeat(7_000) } }),
  ];
  expect(ids.map((id) => holds(store, id))).toEqual([true, true]);
  const large = await made(store, { metadata: { a: 'b'.repeat(20_000) } });
  expect([...ids, large].map((id) => holds(store, id))).toEqual([true, true, false]);
  const third = await made(store, { metadata: { a: 'b'.repeat(7_000) } });
  expect([...ids, third].map((id) => holds(store, id))).toEqual([false, false, true]);
  store.remove(third);
  expect(store.size).toBe(0);
});

test('what asks not to be kept is not', async () => {
  const store = storeOf({});
  expect(holds(store, await made(store, { store: false }))).toBe(false);
});

test('a conversation of which a part is gone is told so', async () => {
  const store = storeOf({});
  const first = await made(store, {});
  const second = await made(store, { previous_response_id: first });
  store.remove(first);
  expect(() => new Recall(store).conversation(second)).toThrow(`there is no response with "${first}" here`);
});
