import { expect, test } from 'vitest';
import { readSse, type SseEvent } from './sse.js';

const STREAM =
  ': comment\n\nevent: kvr.prefill\ndata: {"fraction":0.42}\n\ndata: one\ndata: two\n\nid: 7\ndata:bare\n\n';
const EVENTS: SseEvent[] = [
  { name: 'kvr.prefill', data: '{"fraction":0.42}' },
  { name: 'message', data: 'one\ntwo' },
  { name: 'message', data: 'bare' },
];

/** A body that comes in these pieces; `cancelled` settles once its reader calls it off. */
function bodyOf(pieces: Iterable<Uint8Array<ArrayBuffer>>) {
  const queue = pieces[Symbol.iterator]();
  let onCancel = (): void => undefined;
  const cancelled = new Promise<void>((resolve) => (onCancel = resolve));
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const next = queue.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: () => onCancel(),
  });
  return { body, cancelled };
}

function* endless(piece: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (;;) yield piece;
}

const encoded = (...texts: string[]): Uint8Array<ArrayBuffer>[] =>
  texts.map((text) => new TextEncoder().encode(text));

async function eventsIn(...pieces: Uint8Array<ArrayBuffer>[]): Promise<SseEvent[]> {
  const events: SseEvent[] = [];
  for await (const event of readSse(bodyOf(pieces).body)) events.push(event);
  return events;
}

test('names, data of several lines, comments and unknown fields', async () => {
  expect(await eventsIn(...encoded(STREAM))).toEqual(EVENTS);
});

test('a stream may be cut anywhere', async () => {
  for (let at = 0; at <= STREAM.length; at++) {
    const events = await eventsIn(...encoded(STREAM.slice(0, at), STREAM.slice(at)));
    expect({ at, events }).toEqual({ at, events: EVENTS });
  }
});

test('all three line ends count as one, also when cut in the middle', async () => {
  expect(await eventsIn(...encoded(...STREAM.replaceAll('\n', '\r\n')))).toEqual(EVENTS);
  expect(await eventsIn(...encoded(`${STREAM.replaceAll('\n', '\r')}:`))).toEqual(EVENTS);
});

test('an event that is not ended is not told', async () => {
  expect(await eventsIn(...encoded('data: half\n'))).toEqual([]);
});

test('bytes of a character that are cut apart are put together', async () => {
  const bytes = [...new TextEncoder().encode('data: ü€😀\n\n')];
  expect(await eventsIn(...bytes.map((byte) => Uint8Array.of(byte)))).toEqual([
    { name: 'message', data: 'ü€😀' },
  ]);
});

test('an event that grows past the limit ends the stream, and its body is called off', async () => {
  const { body, cancelled } = bodyOf(endless(new TextEncoder().encode('data: one more line\n')));
  const events: SseEvent[] = [];
  for await (const event of readSse(body, 1000)) events.push(event);
  expect(events).toEqual([]);
  await cancelled;
});

test('an event just below the limit is taken, however long the stream already is', async () => {
  const line = `data:${'x'.repeat(95)}`;
  const { body } = bodyOf(encoded(...Array.from({ length: 5 }, () => [line, '\n\n']).flat()));
  let events = 0;
  for await (const { data } of readSse(body, line.length)) events += data.length === 95 ? 1 : 0;
  expect(events).toBe(5);
});

test('a reader that leaves early calls the body off', async () => {
  const { body, cancelled } = bodyOf(endless(new TextEncoder().encode(STREAM)));
  for await (const event of readSse(body)) {
    expect(event).toEqual(EVENTS[0]);
    break;
  }
  await cancelled;
});

test('a connection that breaks is an error of whoever reads', async () => {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      controller.error(new TypeError('network error'));
    },
  });
  await expect(readSse(body).next()).rejects.toThrow(TypeError);
});
