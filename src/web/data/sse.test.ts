import { expect, test } from 'vitest';
import { MAX_EVENT_CHARS, readSse, type SseEvent, SseParser } from './sse.js';

const STREAM =
  ': comment\n\nevent: kvr.prefill\ndata: {"fraction":0.42}\n\ndata: one\ndata: two\n\nid: 7\ndata:bare\n\n';
const EVENTS: SseEvent[] = [
  { name: 'kvr.prefill', data: '{"fraction":0.42}' },
  { name: 'message', data: 'one\ntwo' },
  { name: 'message', data: 'bare' },
];

test('names, data of several lines, comments and unknown fields', () => {
  expect(new SseParser().push(STREAM)).toEqual(EVENTS);
});

test('a stream may be cut anywhere', () => {
  for (let at = 0; at <= STREAM.length; at++) {
    const parser = new SseParser();
    const events = [...(parser.push(STREAM.slice(0, at)) ?? []), ...(parser.push(STREAM.slice(at)) ?? [])];
    expect({ at, events }).toEqual({ at, events: EVENTS });
  }
});

test('all three line ends count as one, also when cut in the middle', () => {
  const text = STREAM.replaceAll('\n', '\r\n');
  const parser = new SseParser();
  expect([...text].flatMap((char) => parser.push(char) ?? [])).toEqual(EVENTS);
  expect(new SseParser().push(`${STREAM.replaceAll('\n', '\r')}:`)).toEqual(EVENTS);
});

test('an event that is not ended is not told', () => {
  expect(new SseParser().push('data: half\n')).toEqual([]);
});

test('an event that grows past the limit ends the stream', () => {
  const parser = new SseParser();
  const megabyte = `data: ${'x'.repeat(1_000_000)}\n`;
  let pushes = 0;
  while (parser.push(megabyte) !== undefined) pushes++;
  expect(pushes).toBe(MAX_EVENT_CHARS / 1_000_000);
});

test('bytes of a character that are cut apart are put together', async () => {
  const bytes = new TextEncoder().encode('data: ü€😀\n\n');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events: SseEvent[] = [];
  for await (const event of readSse(body)) events.push(event);
  expect(events).toEqual([{ name: 'message', data: 'ü€😀' }]);
});
