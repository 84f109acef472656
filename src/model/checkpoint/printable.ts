/**
 * Makes names and values out of hostile files fit for a message: one line, short, without control characters.
 */

const MOST_CHARS = 120;

/** @returns the text with quotes, line ends and control characters escaped as in JSON, cut where it is long. */
export function printable(text: string): string {
  const escaped = JSON.stringify(text.slice(0, MOST_CHARS + 1)).slice(1, -1);
  return escaped.length > MOST_CHARS ? `${escaped.slice(0, MOST_CHARS)}…` : escaped;
}
