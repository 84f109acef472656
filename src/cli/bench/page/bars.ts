/**
 * Bars of TTFT, a chart for each context: median as a bar, the runs' range as a whisker, the prediction as a mark.
 * Pure; HTML and CSS only, so that it shows without script and in print.
 */
import type { Topology } from '../../../core/strategy.js';
import { type BenchCell, benchStrategyOf } from '../../../evaluation/bench/index.js';
import { linkWords, workersWords } from '../document/bench-table.js';
import { formatCount, formatMs, formatShare } from '../../terminal/format.js';
import { escapeHtml } from './escape.js';

/** Classes of the page's style, which colours bars by how keys and values travel. */
const FAMILIES: Readonly<Record<Topology, string>> = { none: 'single', gather: 'tsp', chain: 'kvr' };

export function barCharts(cells: readonly BenchCell[]): string {
  const contexts = [...new Set(cells.map(({ contextTokens }) => contextTokens))];
  return contexts.map((context) => barChart(context, cells)).join('\n');
}

function barChart(context: number, all: readonly BenchCell[]): string {
  const cells = all.filter(({ contextTokens }) => contextTokens === context);
  const longestMs = Math.max(
    ...cells.map(({ ttftMs, predictedTtftMs }) => Math.max(ttftMs.max, predictedTtftMs ?? 0)),
  );
  const rows = cells.map((cell) => barRow(cell, (ms) => `${((100 * ms) / longestMs).toFixed(2)}%`));
  return `<figure class="bars"><figcaption>${formatCount(context)} tokens</figcaption>\n${rows.join('\n')}\n</figure>`;
}

function barRow(cell: BenchCell, part: (ms: number) => string): string {
  const { strategy, ttftMs, predictedTtftMs, label } = cell;
  const link = cell.link ? ` · ${linkWords(cell)}` : '';
  const family = FAMILIES[benchStrategyOf(strategy).topology];
  const mark = predictedTtftMs === null ? '' : `<i class="mark" style="left:${part(predictedTtftMs)}"></i>`;
  const whisker = `<i class="whisker" style="left:${part(ttftMs.min)};width:${part(ttftMs.max - ttftMs.min)}"></i>`;
  return [
    `<div class="bar" title="${escapeHtml(hint(cell))}">`,
    `<span class="name"><b>${escapeHtml(strategy)}</b> ${escapeHtml(workersWords(cell) + link)}</span>`,
    `<span class="track"><i class="fill ${family}" style="width:${part(ttftMs.median)}"></i>${whisker}${mark}</span>`,
    `<span class="value">${formatMs(ttftMs.median)}<small> ${escapeHtml(label)}</small></span></div>`,
  ].join('');
}

function hint({ partition, ttftMs, predictedTtftMs, attentionShare, speedupOverSingle }: BenchCell): string {
  const predicted = predictedTtftMs === null ? [] : [`predicted ${formatMs(predictedTtftMs)}`];
  const gain = speedupOverSingle === null ? [] : [`${speedupOverSingle.toFixed(2)} × single`];
  const range = `${formatMs(ttftMs.min)} to ${formatMs(ttftMs.max)}`;
  return [
    `slices ${partition.join()}`,
    range,
    ...predicted,
    ...gain,
    `attention ${formatShare(attentionShare)}`,
  ].join(' · ');
}
