/**
 * Gaps between the tokens of a stream, alone and while a long prompt is read.
 */
import type { Engine, GenerationResult } from '../../src/index.js';
import { columnsOf, type Table, tableOf } from '../runner/table.js';
import type { Flags, Prompts } from './flags.js';
import { type Quantiles, quantilesOf, quantileWords } from './quantiles.js';

type Call = { readonly rank: number; readonly kind: string; readonly layer: number; readonly ms: number };
type Row = {
  readonly stream: 'alone' | 'beside the prompt';
  readonly tokens: number;
  readonly gapMs: Quantiles;
  /** Of the long prompt: with the stream beside it, and alone. */
  readonly longTtftMs: number;
  /** The kernel call of the long prompt that held its worker longest. */
  readonly longestCall: Call | undefined;
};

const STREAM_PROMPT_TOKENS = 64;
/** More than the stream makes while the long prompt is read. */
const STREAM_TOKENS = 1900;
const ALONE_TOKENS = 40;

export async function streamBesidePrompt(engine: Engine, flags: Flags, prompts: Prompts): Promise<Table> {
  const long = { promptIds: prompts.ids(flags.context), maxTokens: 1 };
  const stream = startStream(engine, prompts.ids(STREAM_PROMPT_TOKENS));
  await stream.running;
  const startMs = performance.now();
  const beside = await engine.complete(long);
  const endMs = performance.now();
  await stream.stop();
  const alone = await engine.complete(long);
  const title = `A stream, and a prompt of ${flags.context} tokens`;
  const rows = [
    rowOf('alone', gapsIn(stream.times, 0, startMs), alone),
    rowOf('beside the prompt', gapsIn(stream.times, startMs, endMs), beside),
  ];
  return tableOf({ name: 'stream', title, label: 'measured' }, COLUMNS, rows);
}

type Stream = {
  /** When each token came. */
  readonly times: readonly number[];
  /** Settles once enough tokens came to know the gaps of a stream alone. */
  readonly running: Promise<void>;
  stop(): Promise<void>;
};

function startStream(engine: Engine, promptIds: number[]): Stream {
  const cancel = new AbortController();
  const request = { promptIds, maxTokens: STREAM_TOKENS, signal: cancel.signal };
  const times: number[] = [];
  let ended = Promise.resolve();
  const running = new Promise<void>((resolve, reject) => {
    const run = async (): Promise<void> => {
      for await (const event of engine.generate(request)) {
        if (event.type === 'token') times.push(performance.now());
        if (times.length >= ALONE_TOKENS) resolve();
      }
    };
    // It ends by being cancelled; any other failure must be seen.
    ended = run().catch((error: unknown) => (cancel.signal.aborted ? undefined : reject(error as Error)));
  });
  const stop = (): Promise<void> => {
    cancel.abort();
    return ended;
  };
  return { times, running, stop };
}

function gapsIn(times: readonly number[], from: number, to: number): number[] {
  return times.flatMap((time, index) =>
    index > 0 && time > from && time < to ? [time - (times[index - 1] ?? 0)] : [],
  );
}

function rowOf(stream: Row['stream'], gaps: readonly number[], long: GenerationResult): Row {
  return {
    stream,
    tokens: gaps.length,
    gapMs: quantilesOf(gaps),
    longTtftMs: long.ttftMs,
    longestCall: longestCall(long),
  };
}

function longestCall({ timeline }: GenerationResult): Call | undefined {
  const calls = timeline.flatMap(({ rank, events }) =>
    events
      .filter(({ kind }) => kind !== 'wait' && kind !== 'send')
      .map(({ kind, layer, startMs, endMs }) => ({ rank, kind, layer, ms: endMs - startMs })),
  );
  return calls.sort((a, b) => b.ms - a.ms)[0];
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('stream', ({ stream }) => stream),
  figure('tokens', ({ tokens }) => tokens),
  words('gap ms, p50 / p95 / max', ({ gapMs }) => quantileWords(gapMs)),
  figure("prompt's TTFT ms", ({ longTtftMs }) => longTtftMs),
  words('its longest call', ({ longestCall: call }) =>
    call ? `${call.kind}, rank ${call.rank}, layer ${call.layer}, ${call.ms.toFixed(0)} ms` : '–',
  ),
];
