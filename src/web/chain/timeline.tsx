/**
 * The picture of a request's chain, which can be zoomed and moved, with a line that tells what is under the pointer.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RankTimeline } from '../../core/timeline.js';
import { formatCount, formatMs, formatRate } from '../format/figures.js';
import { paintVersion } from '../state/theme.js';
import { eventAt } from './lanes/columns.js';
import { followGestures, spanForKey, type Zoomable } from './gestures.js';
import type { Lane, Mark } from './lanes/lanes.js';
import { paintPicture } from './paint/paint.js';
import { laneAt, type Palette, pictureHeight } from './paint/picture.js';
import { flowsOf, fullRate, rateAt } from './lanes/rates.js';
import { isWhole, type Span } from './lanes/span.js';
import { useWidth } from './use-width.js';

type TimelineProps = {
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  /** Shown until the reader chooses another stretch. */
  readonly first: Span;
  readonly whole: Span;
  readonly nowMs: number | null;
  readonly label: string;
};

const HINT = matchMedia('(pointer: coarse)').matches
  ? 'Pinch to zoom, drag to move.'
  : 'Ctrl and the wheel zoom, dragging moves; so do the keys + − ← → 0.';

export function Timeline({ lanes, marks, first, whole, nowMs, label }: TimelineProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [chosen, setChosen] = useState<Span | null>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const width = useWidth(frame);
  const span = chosen ?? first;
  const show = (next: Span): void => setChosen(isWhole(next, first) && isWhole(first, next) ? null : next);
  const zoomable = useRef<Zoomable>({ span, first, whole, show });
  zoomable.current = { span, first, whole, show };
  const height = pictureHeight({ lanes, marks });
  const version = paintVersion.value;

  useEffect(() => (canvas.current ? followGestures(canvas.current, () => zoomable.current) : undefined), []);
  useLayoutEffect(() => {
    if (!canvas.current || width === 0) return;
    const context = sizedContext(canvas.current, width, height);
    const style = getComputedStyle(canvas.current);
    const font = `12px ${style.fontFamily}`;
    const palette = paletteOf(style);
    const full = fullRate(lanes.flatMap(({ measured }) => measured ?? []));
    const picture = { lanes, marks, span, nowMs, palette, font, fullRate: full };
    if (context) paintPicture(context, picture, width);
  }, [lanes, marks, span.fromMs, span.toMs, nowMs, width, height, version]);

  const press = (key: string) => () => {
    const next = spanForKey(key, zoomable.current);
    if (next) show(next);
  };
  const point = (event: PointerEvent): void => {
    const atMs = span.fromMs + (event.offsetX / (width || 1)) * (span.toMs - span.fromMs);
    setPointed(describe(laneAt(event.offsetY, { lanes, marks }), atMs));
  };
  return (
    <div class="timeline">
      <div class="timeline-bar">
        <p class="readout">{pointed ?? HINT}</p>
        <div class="buttons" role="group" aria-label="Zoom">
          <button type="button" class="small" aria-label="Zoom out" onClick={press('-')}>
            −
          </button>
          <button type="button" class="small" aria-label="Zoom in" onClick={press('+')}>
            +
          </button>
          <button type="button" class="small" disabled={chosen === null} onClick={press('0')}>
            Fit
          </button>
        </div>
      </div>
      <div class="timeline-frame" ref={frame}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={label}
          onPointerMove={point}
          onPointerLeave={() => setPointed(null)}
        />
      </div>
    </div>
  );
}

/** Sharp on any screen; setting the size clears it. */
function sizedContext(canvas: HTMLCanvasElement, width: number, height: number) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function paletteOf(style: CSSStyleDeclaration): Palette {
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour('ink'),
    muted: colour('muted'),
    line: colour('line'),
    track: colour('track'),
    block: colour('compute'),
    attention: colour('attention'),
    wait: colour('wait'),
    send: colour('send'),
    receive: colour('receive'),
    mark: colour('mark'),
    now: colour('accent'),
    card: colour('card'),
  };
}

const WORDS = {
  embed: 'embedding',
  block: 'block',
  attention: 'attention',
  wait: 'waiting for earlier keys and values',
  send: 'sending',
  head: 'head',
  cache: 'copying into the cache',
} as const;

function describe(lane: Lane | undefined, atMs: number): string | null {
  if (!lane) return null;
  const at = `rank ${lane.rank} at ${formatMs(Math.max(0, atMs))}: `;
  if (!lane.measured) return `${at}nothing measured yet`;
  const event = eventAt(lane.measured.events, atMs);
  const traffic = describeTraffic(lane.measured, atMs);
  if (!event) return `${at}idle${traffic}`;
  const { kind, layer, start, startMs, endMs } = event;
  const rows = start !== undefined && start >= 0 ? `, tokens from ${formatCount(start)}` : '';
  return `${at}${WORDS[kind]}, layer ${layer}${rows}, ${formatMs(endMs - startMs)}${traffic}`;
}

function describeTraffic(timeline: RankTimeline, atMs: number): string {
  const { sent, received } = flowsOf(timeline);
  const [up, down] = [rateAt(sent, atMs), rateAt(received, atMs)];
  return (up > 0 ? `; ↑ ${formatRate(up)}` : '') + (down > 0 ? `; ↓ ${formatRate(down)}` : '');
}
