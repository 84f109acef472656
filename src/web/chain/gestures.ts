/**
 * Zooming and moving a timeline by pointer, wheel and keys. Turns events into changes of the span; knows no pixels but
 * those of its element.
 */
import { move, type Span, zoom } from './lanes/span.js';

export type Zoomable = {
  readonly span: Span;
  /** What is shown before anything is chosen. */
  readonly first: Span;
  readonly whole: Span;
  readonly show: (span: Span) => void;
};

const WHEEL_FACTOR = 1.0015;
const KEY_FACTOR = 1.5;
const KEY_MOVE = 0.15;

/** @param current is read at each event @returns a function that ends it */
export function followGestures(element: HTMLElement, current: () => Zoomable): () => void {
  const pointers = new Map<number, number>();
  const timeAt = (clientX: number): number => {
    const { span } = current();
    const { left, width } = element.getBoundingClientRect();
    return span.fromMs + ((clientX - left) / (width || 1)) * (span.toMs - span.fromMs);
  };
  const msPerPixel = (): number => {
    const { span } = current();
    return (span.toMs - span.fromMs) / (element.clientWidth || 1);
  };
  const onWheel = (event: WheelEvent): void => {
    const { span, whole, show } = current();
    // Without a key the wheel scrolls the page, as everywhere.
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      show(
        zoom(
          span,
          WHEEL_FACTOR ** (event.deltaY * (event.deltaMode === 1 ? 33 : 1)),
          timeAt(event.clientX),
          whole,
        ),
      );
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      show(move(span, event.deltaX * msPerPixel(), whole));
    }
  };
  const onDown = (event: PointerEvent): void => {
    pointers.set(event.pointerId, event.clientX);
    element.setPointerCapture(event.pointerId);
  };
  const onMove = (event: PointerEvent): void => {
    const beforeX = pointers.get(event.pointerId);
    if (beforeX === undefined) return;
    const { span, whole, show } = current();
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
    pointers.set(event.pointerId, event.clientX);
    const [otherX] = others;
    if (otherX === undefined) return show(move(span, (beforeX - event.clientX) * msPerPixel(), whole));
    const apart = Math.abs(event.clientX - otherX);
    if (apart > 1) show(zoom(span, Math.abs(beforeX - otherX) / apart, timeAt(otherX), whole));
  };
  const onUp = (event: PointerEvent): void => void pointers.delete(event.pointerId);
  const onKey = (event: KeyboardEvent): void => {
    const next = spanForKey(event.key, current());
    if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    current().show(next);
  };
  const onDouble = (event: MouseEvent): void => {
    const { span, whole, show } = current();
    show(zoom(span, 1 / 3, timeAt(event.clientX), whole));
  };
  const ended = new AbortController();
  const { signal } = ended;
  element.addEventListener('wheel', onWheel, { passive: false, signal });
  element.addEventListener('pointerdown', onDown, { signal });
  element.addEventListener('pointermove', onMove, { signal });
  element.addEventListener('pointerup', onUp, { signal });
  element.addEventListener('pointercancel', onUp, { signal });
  element.addEventListener('keydown', onKey, { signal });
  element.addEventListener('dblclick', onDouble, { signal });
  return () => ended.abort();
}

/** @returns undefined for keys that mean nothing here */
export function spanForKey(key: string, { span, first, whole }: Omit<Zoomable, 'show'>): Span | undefined {
  const lengthMs = span.toMs - span.fromMs;
  const middleMs = span.fromMs + lengthMs / 2;
  switch (key) {
    case '+':
    case '=':
      return zoom(span, 1 / KEY_FACTOR, middleMs, whole);
    case '-':
      return zoom(span, KEY_FACTOR, middleMs, whole);
    case 'ArrowLeft':
      return move(span, -KEY_MOVE * lengthMs, whole);
    case 'ArrowRight':
      return move(span, KEY_MOVE * lengthMs, whole);
    case '0':
    case 'Home':
      return first;
    default:
      return undefined;
  }
}
