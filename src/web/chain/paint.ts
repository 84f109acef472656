/**
 * Paints the picture of a chain on a canvas: one lane a rank, an axis, marks for first tokens, and where the time is
 * now. Knows nothing of requests; timeline.tsx calls it with lanes.
 */
import { formatMs, formatCount } from '../figures.js';
import { columnKinds, KINDS, sendColumns } from './columns.js';
import type { Lane, Mark } from './lanes.js';
import { type Span, ticks } from './span.js';

export type Palette = Readonly<
  Record<
    'ink' | 'muted' | 'line' | 'track' | 'block' | 'attention' | 'wait' | 'send' | 'mark' | 'now',
    string
  >
>;

export type Picture = {
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  readonly span: Span;
  /** How long the request has been running; null once it is done. */
  readonly nowMs: number | null;
  readonly palette: Palette;
  readonly font: string;
};

/** In CSS pixels. */
const MARK_ROW = 17;
const LABEL = 19;
const SEND_BAR = 4;
const AXIS = 22;
const TICK_EVERY = 90;

/** Many ranks get thinner bars. */
const barHeight = (lanes: number): number => (lanes > 8 ? 10 : lanes > 4 ? 14 : 20);
const laneHeight = (lanes: number): number => LABEL + barHeight(lanes) + SEND_BAR + 8;

export function pictureHeight(lanes: number, marks: number): number {
  return marks * MARK_ROW + lanes * laneHeight(lanes) + AXIS;
}

/** @returns the lane at a height, or undefined between and outside them */
export function laneAt(y: number, { lanes, marks }: Pick<Picture, 'lanes' | 'marks'>): Lane | undefined {
  return lanes[Math.floor((y - marks.length * MARK_ROW) / laneHeight(lanes.length))];
}

export function paintPicture(context: CanvasRenderingContext2D, picture: Picture, width: number): void {
  const { lanes, marks, palette, font } = picture;
  const height = pictureHeight(lanes.length, marks.length);
  const x = (ms: number) => ((ms - picture.span.fromMs) / (picture.span.toMs - picture.span.fromMs)) * width;
  context.clearRect(0, 0, width, height);
  context.font = font;
  context.textBaseline = 'alphabetic';
  paintAxis(context, picture, { width, height, x });
  lanes.forEach((lane, i) => {
    const top = marks.length * MARK_ROW + i * laneHeight(lanes.length);
    paintLane(context, lane, picture, { top, width, x });
  });
  marks.forEach((mark, row) => paintMark(context, mark, palette, { row, width, height, x }));
  if (picture.nowMs !== null) paintNow(context, x(picture.nowMs), picture, height);
}

type Frame = { readonly width: number; readonly x: (ms: number) => number };

function paintAxis(
  context: CanvasRenderingContext2D,
  { span, palette, marks }: Picture,
  { width, height, x }: Frame & { height: number },
): void {
  context.fillStyle = palette.line;
  const times = ticks(span, Math.max(2, width / TICK_EVERY));
  for (const ms of times) context.fillRect(Math.round(x(ms)), marks.length * MARK_ROW, 1, height - AXIS);
  context.fillStyle = palette.muted;
  for (const ms of times) {
    const text = ms === 0 ? '0' : formatMs(ms);
    const textWidth = context.measureText(text).width;
    const left = Math.min(width - textWidth, Math.max(0, x(ms) - textWidth / 2));
    context.fillText(text, left, height - 5);
  }
}

function paintLane(
  context: CanvasRenderingContext2D,
  lane: Lane,
  { lanes, span, palette }: Picture,
  { top, width, x }: Frame & { top: number },
): void {
  const bar = barHeight(lanes.length);
  const barTop = top + LABEL;
  const [start, end] = lane.slice;
  context.fillStyle = palette.ink;
  const name = `rank ${lane.rank}`;
  context.fillText(name, 0, top + 14);
  context.fillStyle = palette.muted;
  const tokens = `tokens ${formatCount(start)}–${formatCount(Math.max(start, end - 1))}`;
  context.fillText(tokens, context.measureText(`${name}  `).width, top + 14);
  context.fillStyle = palette.track;
  context.fillRect(0, barTop, width, bar);
  if (lane.measured) {
    paintKinds(context, columnKinds(lane.measured.events, span, width), palette, barTop, bar);
    paintSends(context, sendColumns(lane.measured.events, span, width), palette, barTop + bar + 1);
  } else if (lane.expectedMs !== null) paintExpected(context, x(0), x(lane.expectedMs), palette, barTop, bar);
}

function paintKinds(
  context: CanvasRenderingContext2D,
  kinds: Uint8Array,
  palette: Palette,
  top: number,
  bar: number,
): void {
  for (const { from, to, value } of runs(kinds)) {
    const kind = KINDS[value] ?? 'idle';
    if (kind === 'idle') continue;
    context.fillStyle = palette[kind];
    // Waiting is a thin line in the middle, so that it reads as a gap even without colours.
    if (kind === 'wait') context.fillRect(from, top + bar / 2 - 1.5, to - from, 3);
    else context.fillRect(from, top, to - from, bar);
  }
}

function paintSends(
  context: CanvasRenderingContext2D,
  columns: Uint8Array,
  palette: Palette,
  top: number,
): void {
  context.fillStyle = palette.send;
  for (const { from, to, value } of runs(columns))
    if (value === 1) context.fillRect(from, top, to - from, SEND_BAR - 1);
}

/** An outline of what is to come. */
function paintExpected(
  context: CanvasRenderingContext2D,
  left: number,
  right: number,
  palette: Palette,
  top: number,
  bar: number,
): void {
  context.strokeStyle = palette.muted;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  context.strokeRect(left + 0.5, top + 0.5, Math.max(1, right - left - 1), bar - 1);
  context.setLineDash([]);
}

function paintMark(
  context: CanvasRenderingContext2D,
  { kind, label, atMs }: Mark,
  palette: Palette,
  { row, width, height, x }: Frame & { row: number; height: number },
): void {
  const at = Math.round(x(atMs));
  const text = `${label} ${formatMs(atMs)}`;
  const textWidth = context.measureText(text).width;
  if (at < 0 || at > width) return;
  const colour = kind === 'measured' ? palette.mark : palette.muted;
  context.strokeStyle = colour;
  context.lineWidth = kind === 'measured' ? 2 : 1;
  context.setLineDash(kind === 'measured' ? [] : kind === 'predicted' ? [6, 4] : [2, 3]);
  context.beginPath();
  context.moveTo(at + 0.5, row * MARK_ROW + 3);
  context.lineTo(at + 0.5, height - AXIS);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colour;
  const isRoomLeft = at - textWidth - 6 >= 0;
  context.fillText(text, isRoomLeft ? at - textWidth - 6 : at + 6, row * MARK_ROW + 12);
}

function paintNow(
  context: CanvasRenderingContext2D,
  at: number,
  { palette, marks }: Picture,
  height: number,
): void {
  const top = marks.length * MARK_ROW;
  context.globalAlpha = 0.12;
  context.fillStyle = palette.now;
  context.fillRect(0, top, at, height - AXIS - top);
  context.globalAlpha = 1;
  context.fillRect(Math.round(at), top, 2, height - AXIS - top);
}

/** Neighbours of one value, as ranges [from, to). */
export function runs(values: Uint8Array): { from: number; to: number; value: number }[] {
  const found: { from: number; to: number; value: number }[] = [];
  values.forEach((value, i) => {
    const last = found.at(-1);
    if (last?.value === value) last.to = i + 1;
    else found.push({ from: i, to: i + 1, value });
  });
  return found;
}
