import { expect, test } from 'vitest';
import { kvBytesPerToken } from '../../core/shape.js';
import type { FromCompute, Job, ToCompute } from '../threads/thread-messages.js';
import { computeParts, jobOf, type SentMessages } from './compute-parts.test-support.js';
import { FakeModel, fakeRow } from './fake-model.test-support.js';
import { ALL_CORE_IDLE_TOKENS, PREFILL_TURN_MS } from './requests/pace.js';
import { Scheduler } from './scheduler.js';

type Ran = { readonly model: FakeModel; readonly sent: SentMessages };
type RunOptions = {
  /** What comes in whenever there is nothing left to do; the worker closes after the last. */
  readonly idle: readonly ToCompute[][];
  readonly model?: FakeModel;
  /** Is called with every call to the device, which takes callMs. */
  readonly onCall?: (call: string, incoming: ToCompute[]) => void;
  readonly onSent?: (message: FromCompute) => void;
  readonly callMs?: number;
  readonly chunkTokens?: number;
};

async function run({
  idle,
  model = new FakeModel(),
  onCall,
  onSent = () => undefined,
  callMs = 1,
  chunkTokens = 100,
}: RunOptions): Promise<Ran> {
  let nowMs = 0;
  const scripted = [...idle];
  const { context, sent, incoming } = computeParts(model, (queue) =>
    queue.push(...(scripted.shift() ?? [{ type: 'close' as const }])),
  );
  sent.onMessage = onSent;
  model.onCall = (call) => {
    nowMs += callMs;
    onCall?.(call, incoming);
  };
  await new Scheduler(context, chunkTokens, () => nowMs).run();
  return { model, sent };
}

const prompt = (request: number, parts: Parameters<typeof jobOf>[0] = {}): ToCompute => ({
  type: 'run',
  job: jobOf({ request, ...parts }),
});

/** What became of requests and measurements, in order. */
function outcomes({ sent }: Ran): string[] {
  return sent.all.flatMap((message) => {
    if (message.type === 'finished') return [`${message.request} ${message.reason}`];
    if (message.type === 'failed') return [`${message.request} failed in ${message.phase}`];
    if (message.type === 'prefilled') return [`${message.request} prefilled`];
    return message.type === 'probed' ? ['probed'] : [];
  });
}

/** All rows of the prefix of a job, as another rank sends them. */
function prefixOf(model: FakeModel, { request, partition, rank }: Job): ToCompute[] {
  const rows = partition.slice(0, rank).reduce((sum, size) => sum + size, 0);
  return Array.from({ length: model.shape.layers }, (_, layer) => {
    const row = fakeRow(model.shape, 'f32', layer, 0);
    const payload = new Uint8Array(rows * row.length).fill(1);
    return { type: 'kv' as const, request, layer, start: 0, rows, payload };
  });
}

const PROBE: ToCompute = {
  type: 'probe',
  probe: {
    type: 'probe',
    probe: 9,
    blockTokens: [2],
    attention: [{ tokens: 2, prefixTokens: 1 }],
    kvDtype: 'f32',
    repeats: 1,
  },
};

test('prompts are computed in order of arrival, and the model is idle afterwards', async () => {
  const ran = await run({
    idle: [[prompt(1, { partition: [4] }), prompt(2, { partition: [3] })], [prompt(3)]],
  });
  expect(outcomes(ran)).toEqual([
    '1 prefilled',
    '1 length',
    '2 prefilled',
    '2 length',
    '3 prefilled',
    '3 length',
  ]);
  expect(ran.model.calls.indexOf('embed 0 1 2 at [0,3)')).toBeGreaterThan(
    ran.model.calls.indexOf('logits of [3,4)'),
  );
  expect([...ran.model.live]).toEqual([]);
});

test('one that waits for rows leaves its time to the next, and goes on when they are there', async () => {
  const model = new FakeModel();
  const waiting = jobOf({ request: 1, partition: [2, 3] });
  const ran = await run({
    model,
    idle: [[{ type: 'run', job: waiting }, prompt(2)], prefixOf(model, waiting)],
  });
  expect(outcomes(ran)).toEqual(['2 prefilled', '2 length', '1 prefilled', '1 length']);
  // What the second took lies in the first one's wait.
  expect(ran.sent.of('prefilled').at(-1)?.timeline.sharedMs).toBeGreaterThan(3);
});

test('at most four prompts are begun, however many wait', async () => {
  const model = new FakeModel();
  const jobs = [1, 2, 3, 4, 5].map((request) => jobOf({ request, partition: [2, 3] }));
  const seen: number[] = [];
  const ran = await run({
    model,
    idle: [jobs.map((job) => ({ type: 'run' as const, job })), ...jobs.map((job) => prefixOf(model, job))],
    onCall: (call) => {
      if (call.startsWith('embed')) seen.push(model.calls.filter((each) => each.startsWith('logits')).length);
    },
  });
  expect(seen).toEqual([0, 0, 0, 0, 1]);
  expect(outcomes(ran).filter((each) => each.endsWith('length'))).toHaveLength(5);
});

/** embed, a block and its attention in each of three layers, logits. */
const STEP_CALLS = 8;

test('between a prompt’s calls sequences get their steps, and prompts as much time after each', async () => {
  const model = new FakeModel();
  const steps: number[] = [];
  await run({
    model,
    callMs: PREFILL_TURN_MS / 4,
    chunkTokens: 2,
    idle: [[prompt(1, { spec: { maxTokens: 12 } })]],
    onCall: (call, incoming) => {
      if (call === 'embed 3 at [4,5)') incoming.push(prompt(2, { partition: [20] }));
      if (call.startsWith('each 2')) steps.push(model.calls.length);
    },
  });
  expect(steps).toHaveLength(11);
  const between = steps.slice(1).map((at, step) => at - (steps[step] as number) - STEP_CALLS);
  // Embedding all chunks is one turn; then a turn ends with the call in which prompts have had as long as a step took.
  expect(between[0]).toBeGreaterThanOrEqual(STEP_CALLS);
  expect(Math.max(...between.slice(1))).toBeLessThanOrEqual(STEP_CALLS + 1);
  expect(between.filter((calls) => calls >= STEP_CALLS).length).toBeGreaterThan(2);
});

test('a measurement goes alone: after the prompts before it, and before those after it', async () => {
  const ran = await run({ idle: [[prompt(1), PROBE, prompt(2)]] });
  expect(outcomes(ran)).toEqual(['1 prefilled', '1 length', 'probed', '2 prefilled', '2 length']);
  expect(ran.sent.of('probed')[0]?.samples.map(({ kind }) => kind)).toEqual([
    'block',
    'attention',
    'call',
    'head',
    'embed',
  ]);
  expect([...ran.model.live]).toEqual([]);
});

test('a prompt that is cancelled in the middle ends between two calls, and its memory goes back', async () => {
  const ran = await run({
    idle: [[prompt(1), prompt(2, { partition: [3] })]],
    onCall: (call, incoming) => {
      if (call === 'slice 0 of [0,4)') incoming.push({ type: 'cancel', request: 1 });
    },
  });
  expect(outcomes(ran)).toEqual(['1 cancelled', '2 prefilled', '2 length']);
  expect(ran.model.calls.filter((call) => call.startsWith('block 1'))).toHaveLength(1);
  expect([...ran.model.live]).toEqual([]);
});

test('runs whose cancel is right behind them are answered, and take no memory', async () => {
  const model = new FakeModel();
  const spec = { prefixCache: true };
  const later = Array.from({ length: 100 }, (_, at) => 10 + at);
  const ran = await run({
    model,
    idle: [[prompt(1, { spec, partition: [4] })], [prompt(2, { spec, partition: [8] })]],
    onCall: (call, incoming) => {
      if (call !== 'slice 0 of [0,8)') return;
      // They would go on from rows that are kept, and so have them copied.
      const reuse = { entry: 1, tokens: 3 };
      for (const request of later)
        incoming.push(prompt(request, { reuse, partition: [40] }), { type: 'cancel', request });
    },
  });
  expect(outcomes(ran)).toEqual(
    expect.arrayContaining(['2 length', ...later.map((request) => `${request} cancelled`)]),
  );
  // One for each that ran, and one for each that is kept without its unused rows.
  expect(model.kvMemory.taken).toBeLessThanOrEqual(4);
  expect(model.kvMemory.heldBytes).toBe(0);
});

test('a cancel is answered also where nothing is held, and is not for a run behind it', async () => {
  const ran = await run({ idle: [[{ type: 'cancel', request: 1 }, prompt(1)]] });
  expect(outcomes(ran)).toEqual(['1 cancelled', '1 prefilled', '1 length']);
});

test('a cancelled prompt gives its memory back before another goes on, wherever it stands', async () => {
  const model = new FakeModel();
  const waiting = [2, 3].map((request) => jobOf({ request, partition: [30, 3] }));
  const held: number[] = [];
  let isCancelled = false;
  const ran = await run({
    model,
    idle: [[prompt(1, { partition: [4] }), ...waiting.map((job) => ({ type: 'run' as const, job }))]],
    onCall: (call, incoming) => {
      if (call === 'block 0 of [0,4)') incoming.push(...waiting.flatMap((job) => prefixOf(model, job)));
      if (call === 'block 1 of [0,4)')
        incoming.push(...waiting.map(({ request }) => ({ type: 'cancel' as const, request })));
      if (isCancelled) held.push(model.kvMemory.heldBytes);
      isCancelled ||= call === 'block 1 of [0,4)';
    },
  });
  const own = 5 * kvBytesPerToken(model.shape, 'f32');
  expect(new Set(held)).toEqual(new Set([own]));
  expect(outcomes(ran)).toEqual(['2 cancelled', '3 cancelled', '1 prefilled', '1 length']);
});

test('what is told as over has given its memory back', async () => {
  const model = new FakeModel();
  const heldAtEnd: number[] = [];
  await run({
    model,
    idle: [[prompt(1)], [prompt(2, { partition: [3] })]],
    onCall: (call, incoming) => {
      if (call === 'slice 0 of [0,4)') incoming.push({ type: 'cancel', request: 1 });
    },
    onSent: (message) => {
      if (message.type === 'finished') heldAtEnd.push(model.kvMemory.heldBytes);
    },
  });
  expect(heldAtEnd).toEqual([0, 0]);
});

const WAITING = [1, 2, 3, 4].map((request) => prompt(request, { partition: [2, 3] }));

test('prompts whose rows never come do not keep out one that needs none, one at a time', async () => {
  const seen: string[] = [];
  const ran = await run({
    idle: [[...WAITING, prompt(5), prompt(6)]],
    onCall: (call) => {
      if (/^(embed 0 1 2 3|logits)/.test(call)) seen.push(call.split(' ')[0] as string);
    },
  });
  expect(outcomes(ran)).toEqual(['5 prefilled', '5 length', '6 prefilled', '6 length']);
  expect(seen).toEqual(['embed', 'logits', 'embed', 'logits']);
});

test('prompts whose rows never come do not keep out one whose rows are there, nor a measurement', async () => {
  const model = new FakeModel();
  const late = jobOf({ request: 5, partition: [2, 3] });
  const ran = await run({
    model,
    idle: [[...WAITING, { type: 'run', job: late }], prefixOf(model, late), [PROBE, prompt(6)]],
  });
  expect(outcomes(ran)).toEqual(['5 prefilled', '5 length', 'probed', '6 prefilled', '6 length']);
});

test('what a device throws ends that prompt only', async () => {
  let calls = 0;
  const ran = await run({
    idle: [[prompt(1), prompt(2)]],
    onCall: (call) => {
      if (call.startsWith('block 1') && ++calls === 1) throw new Error('the device is lost');
    },
  });
  expect(outcomes(ran)).toEqual(['1 failed in prefill', '2 prefilled', '2 length']);
  expect([...ran.model.live]).toEqual([]);
});

test.each(['slice 0 of [0,4)', 'each 1 of [4,5)'])(
  'a worker that closes during "%s" stops there and gives everything back',
  async (during) => {
    const ran = await run({
      idle: [[prompt(1, { spec: { maxTokens: 9, prefixCache: true } }), prompt(2)]],
      onCall: (call, incoming) => {
        if (call === during) incoming.push({ type: 'close' });
      },
    });
    expect(ran.model.calls.at(-1)).toBe(during);
    expect([...ran.model.live]).toEqual([]);
  },
);

test('graphs are opened for all cores while there is nothing to do, once an answer of some length was asked for', async () => {
  const model = new FakeModel();
  let open = 0;
  model.allCores = {
    get isOpen() {
      return open === 3;
    },
    openNext: async () => void open++,
  };
  const long = { maxTokens: ALL_CORE_IDLE_TOKENS + 1 };
  const cores: ToCompute = { type: 'cores', all: true };
  await run({ model, idle: [[prompt(1)], [cores, prompt(2, { spec: long })]] });
  expect(open).toBe(3);
  expect(model.calls.filter((call) => call.endsWith('on all cores')).length).toBeGreaterThan(0);
});

test('a pooled prompt is told before its end, takes no decode step, and leaves nothing behind', async () => {
  const ran = await run({ idle: [[prompt(1, { spec: { pooling: 'mean' } })]] });
  const types = ran.sent.all.filter((message) => message.type !== 'progress').map(({ type }) => type);
  expect(types.filter((type) => type !== 'warm' && type !== 'quiet')).toEqual([
    'pooled',
    'prefilled',
    'finished',
  ]);
  expect(ran.sent.of('pooled')[0]?.tokens).toBe(4);
  expect(ran.model.calls.some((call) => call.startsWith('logits'))).toBe(false);
  expect(ran.model.live.size).toBe(0);
});

test('an earlier rank that pooled its rows says no last word of the request', async () => {
  const job = { partition: [2, 2], rank: 0, spec: { pooling: 'mean' as const } };
  const ran = await run({ idle: [[prompt(1, job)]] });
  expect(outcomes(ran)).toEqual(['1 prefilled']);
  expect(ran.sent.of('pooled')[0]?.tokens).toBe(2);
});
