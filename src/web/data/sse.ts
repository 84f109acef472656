/**
 * Server-sent events out of a response body. EventSource can not send a key or a body, so the stream is read here.
 */
import { EventSourceParserStream, ParseError } from 'eventsource-parser/stream';

export type SseEvent = { readonly name: string; readonly data: string };

/** The largest event that is taken: a timeline of many layers and ranks. */
const MAX_EVENT_CHARS = 32_000_000;

/**
 * The events of a body until it ends; ends early on an event of more than `maxChars`. Leaves the body cancelled.
 * @throws what reading the body throws, such as TypeError where the connection broke
 */
export async function* readSse(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxChars = MAX_EVENT_CHARS,
): AsyncGenerator<SseEvent> {
  const events = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: maxChars }));
  const reader = events.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield { name: value.event ?? 'message', data: value.data };
    }
  } catch (error) {
    // The parser's only fatal error is an event above the limit.
    if (!(error instanceof ParseError)) throw error;
  } finally {
    // Rejects where the stream broke, which the reader has been told already.
    await reader.cancel().catch(() => undefined);
  }
}
