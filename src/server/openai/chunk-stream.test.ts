import { afterEach, expect, test } from 'vitest';
import {
  liveServer,
  type LiveServer,
  post,
  resultOf,
  standInEngine,
} from '../../../test/support/live-server.js';

let live: LiveServer | undefined;
afterEach(() => live?.server.close());

/** The stream of an answer whose second token comes after a lost worker. @returns its lines that are no chunks */
async function signsAfter(recoveredMs: number, headers: Record<string, string> = {}): Promise<string[]> {
  const engine = standInEngine(async function* (_, ids) {
    yield { type: 'token', id: 100, text: 'a' };
    yield { type: 'token', id: 101, text: 'b', recoveredMs };
    yield { type: 'token', id: 102, text: 'c' };
    yield { type: 'done', result: { ...resultOf('abc', ids), recoveries: 1, recoveryMs: recoveredMs } };
  });
  live = await liveServer(engine);
  const body = { prompt: 'x', stream: true };
  const text = await (await post(`${live.url}/v1/completions`, body, headers)).text();
  const records = (await (await fetch(`${live.url}/kvr/requests`)).json()) as { requests: unknown[] };
  expect(records.requests).toMatchObject([{ recoveries: 1, recoveryMs: recoveredMs }]);
  await live.server.close();
  return text.split('\n').filter((line) => /recovered|"ms"/.test(line));
}

test('a wait that readers notice is told once, before the token that ends it', async () => {
  expect(await signsAfter(1840.4)).toEqual([': recovered after 1840 ms']);
  expect(await signsAfter(1840.4, { 'x-kvr-progress': 'event' })).toEqual([
    'event: kvr.recovered',
    'data: {"index":0,"ms":1840}',
  ]);
});

test('a short wait is not told', async () => {
  expect(await signsAfter(200)).toEqual([]);
});
