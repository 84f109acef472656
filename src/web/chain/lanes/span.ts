/**
 * The stretch of time that a timeline shows, and how zooming and moving change it. Pure; milliseconds.
 */

export type Span = { readonly fromMs: number; readonly toMs: number };

/** Shorter stretches show nothing that was measured. */
export const MIN_SPAN_MS = 0.5;

/** @param factor 0.5 shows half as long a stretch @param atMs keeps its place on the screen */
export function zoom(span: Span, factor: number, atMs: number, whole: Span): Span {
  const wholeMs = whole.toMs - whole.fromMs;
  const wantedMs = (span.toMs - span.fromMs) * factor;
  const lengthMs = Math.min(wholeMs, Math.max(Math.min(MIN_SPAN_MS, wholeMs), wantedMs));
  const share = (atMs - span.fromMs) / (span.toMs - span.fromMs || 1);
  return place(atMs - share * lengthMs, lengthMs, whole);
}

export function move(span: Span, byMs: number, whole: Span): Span {
  return place(span.fromMs + byMs, span.toMs - span.fromMs, whole);
}

/** Inside the whole, as far as that goes. */
function place(fromMs: number, lengthMs: number, whole: Span): Span {
  const inside = Math.max(whole.fromMs, Math.min(fromMs, whole.toMs - lengthMs));
  return { fromMs: inside, toMs: inside + lengthMs };
}

export function isWhole(span: Span, whole: Span): boolean {
  return span.fromMs <= whole.fromMs && span.toMs >= whole.toMs;
}

/** Round times to mark on an axis: at most `most` of them, 1, 2 or 5 times a power of ten apart. */
export function ticks({ fromMs, toMs }: Span, most: number): number[] {
  const roughMs = (toMs - fromMs) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(roughMs));
  const stepMs = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= roughMs) ?? roughMs;
  if (!(stepMs > 0)) return [];
  const first = Math.ceil(fromMs / stepMs - 1e-9);
  const last = Math.floor(toMs / stepMs + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * stepMs);
}
