/**
 * The picture of a chain: for every rank a bar of what it did when, on one scale for all. Pure; called after a
 * generation. A cell of a bar shows what took most of its stretch of time.
 */
import type { RankTimeline, TimelineEvent } from '../../core/timeline.js';
import { cut, formatMs, formatShare } from '../terminal/format.js';
import type { Colour, Paint } from '../terminal/paint.js';

type Mark = { readonly glyph: string; readonly colour: Colour };
type Kind = 'block' | 'attention' | 'wait' | 'idle';

const MARKS: Readonly<Record<Kind, Mark>> = {
  block: { glyph: '█', colour: 'blue' },
  attention: { glyph: '▒', colour: 'magenta' },
  wait: { glyph: '·', colour: 'yellow' },
  idle: { glyph: ' ', colour: 'dim' },
};
/** No mark for sending, which goes on beside computing, and none for writes to the cache, which are too short to see. */
const SHOWN_AS: Readonly<Partial<Record<string, Exclude<Kind, 'idle'>>>> = {
  embed: 'block',
  block: 'block',
  head: 'block',
  attention: 'attention',
  wait: 'wait',
};
const LEGEND = '█ blocks   ▒ attention   · waiting for keys and values of earlier tokens';

/** Shorter bars say nothing: figures are left out to keep them longer. */
const LEAST_CELLS = 12;
const MOST_CELLS = 100;

/** @returns lines of at most `columns` cells. */
export function chainPicture(timeline: readonly RankTimeline[], columns: number, paint: Paint): string[] {
  const spanMs = Math.max(...timeline.map((rank) => rank.totalMs));
  const labels = alignRight(timeline.map(({ rank, slice }) => [`rank ${rank}`, `[${slice[0]},${slice[1]})`]));
  const { figures, cells } = layOut(timeline, columns, (labels[0] ?? '').length);
  if (cells < 1) return labels.map((label) => cut(label, columns));
  const bars = timeline.map((rank) => bar(rank, spanMs, cells, paint));
  const lines = timeline.map((_rank, i) => `${labels[i]} ${bars[i]}${figures[i]}`);
  return [...lines, cut(LEGEND, columns)];
}

/** As many figures beside the bars as leave the bars long enough. */
function layOut(
  timeline: readonly RankTimeline[],
  columns: number,
  labelCells: number,
): { figures: readonly string[]; cells: number } {
  const none = timeline.map(() => []);
  const total = timeline.map(({ totalMs }) => [formatMs(totalMs)]);
  const all = timeline.map(({ totalMs, waitMs }) => [
    formatMs(totalMs),
    `${waitShare(totalMs, waitMs)} waiting`,
  ]);
  for (const choice of [all, total, none]) {
    const figures = alignRight(choice).map((text) => (text === '' ? '' : ` ${text}`));
    const cells = Math.min(MOST_CELLS, columns - labelCells - 1 - (figures[0] ?? '').length);
    if (cells >= LEAST_CELLS || choice === none) return { figures, cells };
  }
  return { figures: [], cells: 0 };
}

function waitShare(totalMs: number, waitMs: number): string {
  return formatShare(totalMs === 0 ? 0 : waitMs / totalMs);
}

/** Joins each row's columns with two spaces, every column as wide as its widest entry. */
function alignRight(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_entry, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) => row.map((entry, column) => entry.padStart(widths[column] ?? 0)).join('  '));
}

function bar(rank: RankTimeline, spanMs: number, cells: number, paint: Paint): string {
  const kinds = barKinds(rank.events, spanMs, cells);
  let text = '';
  for (let start = 0, end = 0; start < cells; start = end) {
    const kind = kinds[start] as Kind;
    while (end < cells && kinds[end] === kind) end++;
    text += paint(MARKS[kind].colour, MARKS[kind].glyph.repeat(end - start));
  }
  return text;
}

/** What took most of each of `cells` equal stretches of [0, spanMs). */
export function barKinds(events: readonly TimelineEvent[], spanMs: number, cells: number): Kind[] {
  const cellMs = (spanMs > 0 ? spanMs : 1) / cells;
  const spent = Array.from({ length: cells }, () => ({ block: 0, attention: 0, wait: 0, idle: 0 }));
  for (const { kind, startMs, endMs } of events) {
    const shownKind = SHOWN_AS[kind];
    for (let cell = Math.floor(startMs / cellMs); cell < cells && cell * cellMs < endMs; cell++) {
      const times = spent[cell];
      const insideMs = Math.min(endMs, (cell + 1) * cellMs) - Math.max(startMs, cell * cellMs);
      if (times && shownKind) times[shownKind] += insideMs;
    }
  }
  return spent.map((times) => {
    times.idle = cellMs - times.block - times.attention - times.wait;
    return (Object.keys(times) as Kind[]).reduce((most, kind) => (times[kind] > times[most] ? kind : most));
  });
}
