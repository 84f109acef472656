/**
 * Paints the picture of a chain on a canvas: one lane a rank, an axis, marks for first tokens, and where the time is
 * now. Knows nothing of requests; timeline.tsx calls it with lanes.
 */
import { formatMs, formatTick } from '../../format/figures.js';
import type { Mark } from '../lanes/lanes.js';
import { paintBar, paintName } from './paint-lane.js';
import {
  AXIS,
  type Canvas,
  laneTop,
  MARK_ROW,
  markTextLeft,
  type Picture,
  pictureHeight,
} from './picture.js';
import { ticks } from '../lanes/span.js';

const TICK_EVERY = 90;

export function paintPicture(context: CanvasRenderingContext2D, picture: Picture, width: number): void {
  const { lanes, marks, span, nowMs, font } = picture;
  const height = pictureHeight(picture);
  const x = (ms: number): number => ((ms - span.fromMs) / (span.toMs - span.fromMs)) * width;
  const canvas: Canvas = { context, picture, width, height, x };
  context.clearRect(0, 0, width, height);
  context.font = font;
  paintAxis(canvas);
  lanes.forEach((lane, i) => paintBar(canvas, lane, laneTop(i, picture)));
  marks.forEach((mark) => paintMarkLine(canvas, mark, marks.indexOf(mark)));
  if (nowMs !== null) paintNow(canvas, x(nowMs));
  // Words last, on grounds of their own, so that no line runs through them.
  lanes.forEach((lane, i) => paintName(canvas, lane, laneTop(i, picture)));
  marks.forEach((mark, row) => paintMarkText(canvas, mark, row));
}

function paintAxis({ context, picture, width, height, x }: Canvas): void {
  const { span, palette } = picture;
  const top = laneTop(0, picture);
  for (const ms of ticks(span, Math.max(2, width / TICK_EVERY))) {
    context.fillStyle = palette.line;
    context.fillRect(Math.round(x(ms)), top, 1, height - AXIS - top);
    context.fillStyle = palette.muted;
    const text = formatTick(ms);
    const textWidth = context.measureText(text).width;
    context.fillText(text, Math.min(width - textWidth, Math.max(0, x(ms) - textWidth / 2)), height - 5);
  }
}

function paintMarkLine(
  { context, picture, width, height, x }: Canvas,
  { kind, atMs }: Mark,
  row: number,
): void {
  const at = Math.round(x(atMs)) + 0.5;
  if (at < 0 || at > width) return;
  context.strokeStyle = markColour(picture, kind);
  context.lineWidth = kind === 'measured' ? 2 : 1;
  context.setLineDash(kind === 'measured' ? [] : kind === 'predicted' ? [6, 4] : [2, 3]);
  context.beginPath();
  context.moveTo(at, row * MARK_ROW + 3);
  context.lineTo(at, height - AXIS);
  context.stroke();
  context.setLineDash([]);
}

function paintMarkText(
  { context, picture, width, x }: Canvas,
  { kind, label, atMs }: Mark,
  row: number,
): void {
  const at = x(atMs);
  if (at < 0) return;
  const text = `${label} ${formatMs(atMs)}${at > width ? ' →' : ''}`;
  const textWidth = context.measureText(text).width;
  const left = markTextLeft(at, textWidth, width);
  context.fillStyle = picture.palette.card;
  context.fillRect(left, row * MARK_ROW, textWidth, MARK_ROW);
  context.fillStyle = markColour(picture, kind);
  context.fillText(text, left, row * MARK_ROW + 12);
}

function markColour({ palette }: Picture, kind: Mark['kind']): string {
  return kind === 'measured' ? palette.mark : palette.muted;
}

function paintNow({ context, picture, height }: Canvas, at: number): void {
  const top = laneTop(0, picture);
  context.fillStyle = picture.palette.now;
  context.globalAlpha = 0.12;
  context.fillRect(0, top, at, height - AXIS - top);
  context.globalAlpha = 1;
  context.fillRect(Math.round(at), top, 2, height - AXIS - top);
}
