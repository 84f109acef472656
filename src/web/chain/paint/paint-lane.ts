/**
 * Paints one rank's lane: its name, what it did, and its bytes over time; or an outline of what is expected.
 */
import { formatCount } from '../../format/figures.js';
import { columnKinds, KINDS } from '../lanes/columns.js';
import type { Lane } from '../lanes/lanes.js';
import { paintSums, paintTraffic } from './paint-traffic.js';
import { BAR_GAP, barHeight, type Canvas, LABEL } from './picture.js';
import { runs } from '../lanes/runs.js';

export function paintName(canvas: Canvas, { rank, slice, measured }: Lane, top: number): void {
  const {
    context,
    picture: { palette },
  } = canvas;
  const [start, end] = slice;
  const name = `rank ${rank}`;
  const tokens = `tokens ${formatCount(start)}–${formatCount(Math.max(start, end - 1))}`;
  const nameWidth = context.measureText(`${name}  `).width;
  const right = nameWidth + context.measureText(tokens).width + 3;
  context.fillStyle = palette.card;
  context.fillRect(0, top + 3, right, LABEL - 4);
  context.fillStyle = palette.ink;
  context.fillText(name, 0, top + 14);
  context.fillStyle = palette.muted;
  context.fillText(tokens, nameWidth, top + 14);
  if (measured) paintSums(canvas, measured, top, right);
}

export function paintBar(canvas: Canvas, { measured, expectedMs }: Lane, top: number): void {
  const { context, picture, width } = canvas;
  const { lanes, palette, span } = picture;
  const bar = { top: top + LABEL, height: barHeight(lanes.length) };
  context.fillStyle = palette.track;
  context.fillRect(0, bar.top, width, bar.height);
  if (measured) {
    paintKinds(canvas, columnKinds(measured.events, span, width), bar);
    paintTraffic(canvas, measured, bar.top + bar.height + BAR_GAP);
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

function paintExpected({ context, picture, x }: Canvas, expectedMs: number, { top, height }: Bar): void {
  context.strokeStyle = picture.palette.muted;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  const width = Math.max(1, x(expectedMs) - x(0) - 1);
  context.strokeRect(x(0) + 0.5, top + 0.5, width, height - 1);
  context.setLineDash([]);
}
