/**
 * Paints a rank's bytes over time under its bar: sent above a line, received below it, all ranks to one scale. Heights
 * go by the square root, since a burst over a fast link would leave nothing to see of all else.
 */
import type { RankTimeline } from '../../../core/timeline.js';
import { formatBytes } from '../../format/figures.js';
import { type Canvas, LABEL, trafficHeight } from './picture.js';
import { columnRates, type Flow, flowsOf } from '../lanes/rates.js';

/** Between the texts of one line. */
const GAP = 10;

export function paintTraffic(canvas: Canvas, timeline: RankTimeline, top: number): void {
  const { context, picture, width } = canvas;
  const { palette, lanes } = picture;
  const height = trafficHeight(lanes.length);
  const half = (height - 1) / 2;
  const { sent, received } = flowsOf(timeline);
  context.fillStyle = palette.track;
  context.fillRect(0, top, width, height);
  context.fillStyle = palette.line;
  context.fillRect(0, top + half, width, 1);
  paintFlow(canvas, sent, palette.send, { from: top + half, half: -half });
  paintFlow(canvas, received, palette.receive, { from: top + half + 1, half });
}

type Half = { readonly from: number; readonly half: number };

function paintFlow(
  { context, picture, width }: Canvas,
  flow: Flow,
  colour: string,
  { from, half }: Half,
): void {
  const { span, fullRate } = picture;
  context.fillStyle = colour;
  columnRates(flow, span, Math.round(width)).forEach((rate, column) => {
    if (rate === 0) return;
    // What is there at all shows, however little it is.
    const height = Math.max(1, Math.abs(half) * Math.sqrt(Math.min(1, rate / fullRate)));
    context.fillRect(column, half < 0 ? from - height : from, 1, height);
  });
}

/** The sums, at the right end of the line with the rank's name. @param left where that line is still free */
export function paintSums(
  { context, picture: { palette }, width }: Canvas,
  { sentBytes, receivedBytes }: RankTimeline,
  top: number,
  left: number,
): void {
  const sums = [
    { bytes: sentBytes, arrow: '↑', colour: palette.send },
    { bytes: receivedBytes, arrow: '↓', colour: palette.receive },
  ];
  const texts = sums.flatMap(({ bytes, arrow, colour }) => {
    const text = `${arrow} ${formatBytes(bytes)}`;
    return bytes > 0 ? [{ text, colour, width: context.measureText(text).width }] : [];
  });
  const whole = texts.reduce((sum, one) => sum + GAP + one.width, 0);
  if (width - whole < left) return;
  context.fillStyle = palette.card;
  context.fillRect(width - whole, top + 3, whole, LABEL - 4);
  let right = width - whole;
  for (const one of texts) {
    context.fillStyle = one.colour;
    context.fillText(one.text, right + GAP, top + 14);
    right += GAP + one.width;
  }
}
