/**
 * A bench as one page: bars, the table, and every rank's timeline. Nothing in it comes from elsewhere, and nothing it
 * shows can become markup. Pure.
 */
import type { BenchCell } from '../../../evaluation/bench/index.js';
import type { BenchDocument } from '../document/bench-document.js';
import { columnsFor, factLines } from '../document/bench-table.js';
import { barCharts } from './bars.js';
import { escapeHtml, jsonForScript } from './escape.js';
import { STYLE } from './style.js';
import { KINDS, pageRuns } from './timelines.js';

/** What a page like this may load and run: only what stands in it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** @param script the built browser script, which is put in as it is. @returns an HTML document */
export function benchPage(document: BenchDocument, cells: readonly BenchCell[], script: string): string {
  const title = escapeHtml(`Time to first token · ${document.model.name}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${factLines(document)
  .map((line) => `<p>${escapeHtml(line)}</p>`)
  .join('\n')}
</header>
<section>
<h2>Time to first token</h2>
<p class="hint">Bars are medians, lines the fastest to the slowest run, ticks what was predicted.</p>
${barCharts(cells)}
</section>
<section>
<h2>What every rank did</h2>
<p class="hint">Of the run in the middle. Wheel or + and − to zoom, drag or arrow keys to move, 0 to see all, ↑ and ↓ for another run.</p>
<p><label>Run <select id="run"></select></label></p>
<p id="legend"></p>
<canvas id="timeline" tabindex="0" role="img" aria-label="Timeline of every rank"></canvas>
<p id="detail" aria-live="polite">&nbsp;</p>
<noscript><p>The timelines need JavaScript; everything else does not.</p></noscript>
</section>
<section>
<h2>All figures</h2>
<div class="scroll">${table(cells)}</div>
</section>
<script type="application/json" id="data">${jsonForScript({ kinds: KINDS, runs: pageRuns(cells) })}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

function table(cells: readonly BenchCell[]): string {
  const columns = columnsFor(cells);
  const head = columns
    .map(({ title, isNumber }) => `<th${align(isNumber)}>${escapeHtml(title)}</th>`)
    .join('');
  const rows = cells.map(
    (cell) =>
      `<tr>${columns.map(({ of, isNumber }) => `<td${align(isNumber)}>${escapeHtml(of(cell))}</td>`).join('')}</tr>`,
  );
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

function align(isNumber: boolean): string {
  return isNumber ? ' class="number"' : '';
}
