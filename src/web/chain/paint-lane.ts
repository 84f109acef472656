/**
 * Paints one rank's lane: its name, what it did, and when bytes were on their way; or an outline of what is expected.
 */
import { formatCount } from '../figures.js';
import { columnKinds, KINDS, sendColumns } from './columns.js';
import type { Lane } from './lanes.js';
import { barHeight, type Canvas, LABEL, SEND_BAR } from './picture.js';
import { runs } from './runs.js';

export function paintName(
  { context, picture: { palette } }: Canvas,
  { rank, slice }: Lane,
  top: number,
): void {
  const [start, end] = slice;
  const name = `rank ${rank}`;
  const tokens = `tokens ${formatCount(start)}–${formatCount(Math.max(start, end - 1))}`;
  const nameWidth = context.measureText(`${name}  `).width;
  context.fillStyle = palette.card;
  context.fillRect(0, top + 3, nameWidth + context.measureText(tokens).width + 3, LABEL - 4);
  context.fillStyle = palette.ink;
  context.fillText(name, 0, top + 14);
  context.fillStyle = palette.muted;
  context.fillText(tokens, nameWidth, top + 14);
}

export function paintBar(canvas: Canvas, { measured, expectedMs }: Lane, top: number): void {
  const { context, picture, width } = canvas;
  const { lanes, palette, span } = picture;
  const bar = { top: top + LABEL, height: barHeight(lanes.length) };
  context.fillStyle = palette.track;
  context.fillRect(0, bar.top, width, bar.height);
  if (measured) {
    paintKinds(canvas, columnKinds(measured.events, span, width), bar);
    paintSends(canvas, sendColumns(measured.events, span, width), bar.top + bar.height + 1);
  } else if (expectedMs !== null) paintExpected(canvas, expectedMs, bar);
}

type Bar = { readonly top: number; readonly height: number };

function paintKinds(
  { context, picture: { palette } }: Canvas,
  kinds: Uint8Array,
  { top, height }: Bar,
): void {
  for (const { from, to, value } of runs(kinds)) {
    const kind = KINDS[value] ?? 'idle';
    if (kind === 'idle') continue;
    context.fillStyle = palette[kind];
    // Waiting is a thin line in the middle, so that it reads as a gap even without colours.
    if (kind === 'wait') context.fillRect(from, top + height / 2 - 1.5, to - from, 3);
    else context.fillRect(from, top, to - from, height);
  }
}

function paintSends({ context, picture: { palette } }: Canvas, columns: Uint8Array, top: number): void {
  context.fillStyle = palette.send;
  for (const { from, to, value } of runs(columns))
    if (value === 1) context.fillRect(from, top, to - from, SEND_BAR - 1);
}

function paintExpected({ context, picture, x }: Canvas, expectedMs: number, { top, height }: Bar): void {
  context.strokeStyle = picture.palette.muted;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  const width = Math.max(1, x(expectedMs) - x(0) - 1);
  context.strokeRect(x(0) + 0.5, top + 0.5, width, height - 1);
  context.setLineDash([]);
}
