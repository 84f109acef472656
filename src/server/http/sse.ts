/**
 * The wire form of server-sent events.
 */
export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  // Nginx would otherwise hold a stream back until it has a buffer full.
  'X-Accel-Buffering': 'no',
};

export function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

export function namedEvent(name: string, value: unknown): string {
  return `event: ${name}\n${data(value)}`;
}

/** Clients skip it, connections stay open by it. */
export function comment(text: string): string {
  return `: ${text}\n\n`;
}
