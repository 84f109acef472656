/**
 * Server-sent events out of a response body. EventSource can not send a key or a body, so the stream is read and taken
 * apart here, by the rules of the HTML standard (section 9.2.6): comments are skipped, data lines are joined.
 */

export type SseEvent = { readonly name: string; readonly data: string };

/** The largest event that is taken: a timeline of many layers and ranks. */
export const MAX_EVENT_CHARS = 32_000_000;

export class SseParser {
  #rest = '';
  #name = '';
  #data: string[] = [];
  #dataChars = 0;

  /**
   * @param piece any part of the stream; lines and events may be cut anywhere
   * @returns the events that it completes, or undefined where one is larger than is taken
   */
  push(piece: string): SseEvent[] | undefined {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    const events: SseEvent[] = [];
    for (const line of lines) {
      const event = this.#take(line);
      if (event) events.push(event);
    }
    return this.#rest.length + this.#dataChars > MAX_EVENT_CHARS ? undefined : events;
  }

  #take(line: string): SseEvent | undefined {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#name = value;
    if (field === 'data') {
      this.#data.push(value);
      this.#dataChars += value.length;
    }
    return undefined;
  }

  #end(): SseEvent | undefined {
    const event = { name: this.#name || 'message', data: this.#data.join('\n') };
    const isEmpty = this.#data.length === 0;
    this.#name = '';
    this.#data = [];
    this.#dataChars = 0;
    return isEmpty ? undefined : event;
  }
}

/** The events of a body until it ends; ends early on an event larger than is taken. Leaves the body cancelled. */
export async function* readSse(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = parser.push(decoder.decode(value, { stream: true }));
      if (events === undefined) return;
      yield* events;
    }
  } finally {
    // Rejects where the stream broke, which the reader has been told already.
    await reader.cancel().catch(() => undefined);
  }
}
