import { expect, test } from 'vitest';
import type { BenchCell } from '../../../evaluation/bench/index.js';
import type { BenchDocument } from '../document/bench-document.js';
import { benchPage } from './page.js';
import { KINDS } from './timelines.js';

const HOSTILE = `</script><img src=x onerror="alert('1')">&`;

const CELL: BenchCell = {
  strategy: 'kvr',
  workers: 2,
  threads: 1,
  contextTokens: 512,
  label: 'measured',
  dtype: 'f32',
  kvDtype: 'f32',
  ttftMs: { median: 50, min: 40, max: 100 },
  runsMs: [40, 50, 100],
  firstToken: 7,
  partition: [300, 212],
  predictedTtftMs: 25,
  attentionShare: 0.25,
  timeline: [
    {
      rank: 0,
      slice: [0, 300],
      totalMs: 49.98765,
      computeMs: 40,
      attentionMs: 10,
      waitMs: 0,
      sentBytes: 1,
      receivedBytes: 0,
      events: [{ kind: 'attention', layer: 3, startMs: 1.23456, endMs: 2 }],
    },
  ],
  speedupOverSingle: 2,
  speedupOverTsp: null,
  speedupOverTspDense: null,
  speedupOverBestTsp: null,
};

const DOCUMENT: BenchDocument = {
  cells: [CELL],
  model: { name: HOSTILE, architecture: 'llama', layers: 2, parameters: 3, digest: 'd' },
  machine: { cpu: HOSTILE, cores: 2, memoryBytes: 4, node: '20', onnxruntime: '1', platform: 'linux' },
  repeats: 3,
  seed: 0,
  firstTokens: [{ contextTokens: 512, firstToken: 7 }],
  notes: [HOSTILE],
  command: `kvr bench --model '${HOSTILE}'`,
};

const page = benchPage(DOCUMENT, [CELL], '/* the script */');

test('text from outside is never markup: names, processors, notes and commands', () => {
  expect(page).not.toContain('<img');
  expect(page).toContain('&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;');
  expect(page.match(/<\/script>/g)).toHaveLength(2);
});

test('the page loads nothing: its policy allows only what stands in it, and no address is named', () => {
  expect(page).toContain(`default-src 'none'`);
  expect(page).not.toMatch(/https?:|src="|@import|url\(/);
});

test('bars are parts of the longest time, with whisker, prediction and label', () => {
  expect(page).toContain('class="fill kvr" style="width:50.00%"');
  expect(page).toContain('class="whisker" style="left:40.00%;width:60.00%"');
  expect(page).toContain('class="mark" style="left:25.00%"');
  expect(page).toContain('<small> measured</small>');
});

test('timelines come as short JSON that the script can read', () => {
  const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/.exec(page) ?? [];
  const data = JSON.parse(json) as { kinds: string[]; runs: { title: string; ranks: unknown[] }[] };
  expect(data.kinds).toEqual(KINDS);
  expect(data.runs[0]?.ranks).toEqual([
    { rank: 0, slice: [0, 300], totalMs: 49.988, events: [[KINDS.indexOf('attention'), 3, 1.235, 2]] },
  ]);
  expect(data.runs[0]?.title).toContain('512 tokens · kvr · 2 × 1 thread · measured');
});
