/**
 * What is painted of a chain, and where its parts lie on the canvas. Pure; CSS pixels.
 */
import type { Lane, Mark } from '../lanes/lanes.js';
import type { Span } from '../lanes/span.js';

export type Palette = Readonly<
  Record<
    | 'ink'
    | 'muted'
    | 'line'
    | 'track'
    | 'block'
    | 'attention'
    | 'wait'
    | 'send'
    | 'receive'
    | 'mark'
    | 'now'
    | 'card',
    string
  >
>;

export type Picture = {
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  readonly span: Span;
  /** Bytes a millisecond that fill half a traffic strip. */
  readonly fullRate: number;
  /** How long the request has been running; null once it is done. */
  readonly nowMs: number | null;
  readonly palette: Palette;
  readonly font: string;
};

/** A picture on its canvas. */
export type Canvas = {
  readonly context: CanvasRenderingContext2D;
  readonly picture: Picture;
  readonly width: number;
  readonly height: number;
  /** Where a time lies. */
  readonly x: (ms: number) => number;
};

export const MARK_ROW = 17;
export const LABEL = 19;
export const AXIS = 22;
export const BAR_GAP = 2;

/** Many ranks get thinner bars. */
export const barHeight = (lanes: number): number => (lanes > 8 ? 8 : lanes > 4 ? 14 : 20);
const gap = (lanes: number): number => (lanes > 8 ? 4 : 8);
/** Of the strip of bytes under a bar. */
export const trafficHeight = (lanes: number): number => (lanes > 8 ? 7 : lanes > 4 ? 15 : 25);
const laneHeight = (lanes: number): number =>
  LABEL + barHeight(lanes) + BAR_GAP + trafficHeight(lanes) + gap(lanes);

type Counts = Pick<Picture, 'lanes' | 'marks'>;

/** Upper edge of a lane; of the axis, where the index is the number of lanes. */
export function laneTop(index: number, { lanes, marks }: Counts): number {
  return marks.length * MARK_ROW + index * laneHeight(lanes.length);
}

export function pictureHeight(counts: Counts): number {
  return laneTop(counts.lanes.length, counts) + AXIS;
}

/** @returns undefined above and below the lanes */
export function laneAt(y: number, counts: Counts): Lane | undefined {
  return counts.lanes[Math.floor((y - laneTop(0, counts)) / laneHeight(counts.lanes.length))];
}

/** @returns the left edge of a mark's text: left of its line, else right of it, always inside */
export function markTextLeft(at: number, textWidth: number, width: number): number {
  const left = Math.min(at, width + MARK_GAP) - textWidth - MARK_GAP;
  return Math.max(0, Math.min(left >= 0 ? left : at + MARK_GAP, width - textWidth));
}

const MARK_GAP = 6;
