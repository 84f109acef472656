/**
 * A client that leaves in mid-prefill, measured through the HTTP server: from the moment its connection is cut until
 * each rank has put the request down, beside the time that one layer takes. Prints one JSON document.
 *   MODEL=synthetic:tinyllama-1.1b,layers=4,vocab=4000 WORKERS=2 npx vitest run --config bench/vitest.config.ts disconnect
 */
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'vitest';
import { median } from '../src/core/statistics.js';
import { Engine } from '../src/index.js';
import { liveServer } from '../test/support/live-server.js';
import { seededRandom } from '../test/reference/random.js';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const MODEL = process.env['MODEL'] ?? 'synthetic:tinyllama-1.1b,layers=4,vocab=4000';
const WORKERS = number('WORKERS', 2);
const THREADS = number('THREADS', 1);
const PROMPT_TOKENS = number('PROMPT_TOKENS', 4096);
const REPEATS = number('REPEATS', 5);

const random = seededRandom(1);
const ids = (): number[] => Array.from({ length: PROMPT_TOKENS }, () => random.below(1000));

/** Settles with the time at which a rank has said that it dropped a request, for all ranks. */
function dropped(engine: Engine): Promise<number[]> {
  const rankDone = ({ handle }: Engine['workers'][number]): Promise<number> =>
    new Promise((resolve) => {
      const ignore = handle.listen((message) => {
        if (message.type !== 'finished' || message.reason !== 'cancelled') return;
        ignore();
        resolve(performance.now());
      });
    });
  return Promise.all(engine.workers.map(rankDone));
}

/** @returns milliseconds from the cut of the connection until each rank has dropped the request */
async function leaveInPrefill(engine: Engine, url: string): Promise<number[]> {
  const body = JSON.stringify({ prompt: ids(), max_tokens: 1, stream: true });
  const ended = dropped(engine);
  const headers = { 'content-type': 'application/json', 'x-kvr-progress': 'event' };
  const client = request(`${url}/v1/completions`, { method: 'POST', headers });
  client.on('error', () => undefined).end(body);
  const [response] = (await once(client, 'response')) as [AsyncIterable<Buffer>];
  for await (const piece of response) {
    const fraction = Number(/"fraction":([\d.]+)/.exec(piece.toString())?.[1] ?? 0);
    if (fraction > 0.2) break;
  }
  const cutMs = performance.now();
  client.destroy();
  return (await ended).map((ms) => ms - cutMs);
}

test('a client that leaves in mid-prefill', { timeout: 600_000 }, async () => {
  const engine = await Engine.load({ model: MODEL, workers: WORKERS, threads: THREADS, prefixCacheBytes: 0 });
  const live = await liveServer(engine);
  try {
    const { timeline } = await engine.complete({ promptIds: ids(), maxTokens: 1 });
    const layerMs = timeline.map(({ totalMs }) => Math.round(totalMs / engine.model.shape.layers));
    const all: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) all.push(...(await leaveInPrefill(engine, live.url)));
    const sorted = all.map(Math.round).sort((a, b) => a - b);
    const idleMs = { median: median(sorted), max: sorted.at(-1) };
    const about = { model: MODEL, workers: WORKERS, threads: THREADS, promptTokens: PROMPT_TOKENS };
    console.log(
      JSON.stringify({ label: 'measured', ...about, layerMsByRank: layerMs, idleMs, times: sorted }),
    );
  } finally {
    await live.server.close();
    await engine.close();
  }
});
