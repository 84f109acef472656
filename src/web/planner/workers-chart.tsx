/**
 * Predicted TTFT by number of workers. The chart is uplot's; the figures are told in words as well.
 */
import { useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { useWidth } from '../chain/use-width.js';
import { formatMs, formatTick } from '../format/figures.js';
import { paintVersion } from '../state/theme.js';

type WorkersChartProps = {
  /** Milliseconds; index 0 is one worker. */
  readonly times: readonly (number | null)[];
  readonly chosen: number;
};

const HEIGHT_PX = 170;

export function WorkersChart({ times, chosen }: WorkersChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const version = paintVersion.value;
  useLayoutEffect(() => {
    if (!frame.current || width === 0) return undefined;
    const style = getComputedStyle(frame.current);
    const counts = times.map((_, i) => i + 1);
    const atChosen = times.map((ms, i) => (i + 1 === chosen ? ms : null));
    const chart = new uPlot(optionsOf(style, width), [counts, [...times], atChosen], frame.current);
    return () => chart.destroy();
  }, [times, chosen, width, version]);
  const best = bestOf(times);
  return (
    <figure class="curve">
      <figcaption>
        First token by number of workers, <span class="label predicted">predicted</span>
        {best && `; least ${best}`}
      </figcaption>
      <div ref={frame} role="img" aria-label={wordsOf(times)} />
    </figure>
  );
}

function optionsOf(style: CSSStyleDeclaration, width: number): uPlot.Options {
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const font = `12px ${style.fontFamily}`;
  const axis: uPlot.Axis = {
    stroke: colour('muted'),
    font,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_, least, most) => [least - 0.4, most + 0.4] },
      y: { range: (_, __, most) => [0, most * 1.1] },
    },
    axes: [
      { ...axis, size: 28, incrs: [1, 2, 5], grid: { show: false } },
      { ...axis, size: 56, space: 28, values: (_, splits) => splits.map(formatTick) },
    ],
    series: [
      {},
      { stroke: colour('accent'), width: 2, points: { size: 5, fill: colour('accent') } },
      {
        stroke: 'transparent',
        points: { show: true, size: 12, width: 2, stroke: colour('accent'), fill: colour('card') },
      },
    ],
  };
}

function bestOf(times: readonly (number | null)[]): string | undefined {
  const least = Math.min(...times.map((ms) => ms ?? Infinity));
  const at = times.indexOf(least);
  return at < 0 ? undefined : `${formatMs(least)} with ${at + 1} workers`;
}

function wordsOf(times: readonly (number | null)[]): string {
  const known = times.flatMap((ms, i) => (ms === null ? [] : [`${i + 1}: ${formatMs(ms)}`]));
  return `Predicted time to the first token by number of workers. ${known.join(', ')}.`;
}
