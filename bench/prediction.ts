/**
 * What plans predict beside what then happens: one and two workers, several lengths and dtypes, warm, taking turns:
 *   npm run bench:prediction -- [--context 512,2k,4k] [--dtypes f32,w8a8] [--repeats 3] [--workers 1,2]
 * "Calibrated" is predicted from the calibration alone, before any request; "predicted" for the very request that was
 * measured, once costs have followed a warm-up of every length. Ends with status 1 where that is off by more than 10 %.
 */
import { parseArgs } from 'node:util';
import { parseTokens } from '../src/core/quantities.js';
import { DTYPES, type Dtype } from '../src/core/shape.js';
import { medianRange, middleOf } from '../src/core/statistics.js';
import { Engine, type GenerationResult } from '../src/index.js';
import { planPartition } from '../src/plan/index.js';

const LIMIT = 0.1;

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'synthetic:tinyllama-1.1b,layers=8,vocab=4096,context=4200' },
    context: { type: 'string', default: '512,2k,4k' },
    dtypes: { type: 'string', default: 'f32,w8a8' },
    workers: { type: 'string', default: '1,2' },
    repeats: { type: 'string', default: '3' },
    'cache-dir': { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const contexts = values.context.split(',').map((text) => parseTokens('--context', text));
const counts = values.workers.split(',').map(Number);

type Cell = {
  readonly engine: Engine;
  readonly contextTokens: number;
  readonly calibratedMs: number;
  readonly runs: GenerationResult[];
};

let failures = 0;
console.log(`${values.model}, medians of ${values.repeats} interleaved runs, ms (measured)\n`);
console.log('| dtype | workers | context | cut | calibrated | predicted | measured | min – max | off |');
console.log('|---|---|--:|---|--:|--:|--:|---|--:|');
for (const name of values.dtypes.split(',')) await measure(dtypeOf(name));
process.exitCode = failures === 0 ? 0 : 1;

async function measure(dtype: Dtype): Promise<void> {
  const engines: Engine[] = [];
  for (const workers of counts) engines.push(await load(workers, dtype));
  const cells = engines.flatMap((engine) => contexts.map((contextTokens) => openCell(engine, contextTokens)));
  for (const { engine, contextTokens } of cells) await run(engine, contextTokens);
  for (let round = 0; round < Number(values.repeats); round++) {
    for (const { engine, contextTokens, runs } of cells) runs.push(await run(engine, contextTokens));
  }
  for (const cell of cells) report(dtype, cell);
  for (const engine of engines) await engine.close();
}

function load(workers: number, dtype: Dtype): Promise<Engine> {
  const cacheDir = values['cache-dir'];
  const cache = cacheDir === undefined ? {} : { cacheDir };
  return Engine.load({ model: values.model, workers, dtype, calibrate: 'fresh', ...cache });
}

function openCell(engine: Engine, contextTokens: number): Cell {
  const { costs, model } = engine;
  const plan = costs && planPartition({ contextTokens, shape: model.shape, ...costs.knowledge });
  const calibratedMs = plan?.predictedTtftMs ?? NaN;
  return { engine, contextTokens, calibratedMs, runs: [] };
}

function run(engine: Engine, contextTokens: number): Promise<GenerationResult> {
  const { vocabulary } = engine.model.shape;
  const promptIds = Array.from({ length: contextTokens }, (_, index) => (index * 7919) % vocabulary);
  return engine.complete({ promptIds, maxTokens: 1 });
}

function report(dtype: Dtype, { engine, contextTokens, calibratedMs, runs }: Cell): void {
  const middle = middleOf(runs, ({ ttftMs }) => ttftMs);
  const { min, max } = medianRange(runs.map(({ ttftMs }) => ttftMs));
  const predictedMs = middle.predictedTtftMs ?? NaN;
  const off = predictedMs / middle.ttftMs - 1;
  if (Math.abs(off) > LIMIT) failures += 1;
  const threads = engine.workers[0]?.ready.threads ?? 1;
  const ms = (value: number): string => value.toFixed(0);
  console.log(
    `| ${dtype} | ${engine.workers.length} × ${threads} thread${threads === 1 ? '' : 's'} | ${contextTokens} | ${middle.partition.join()} ` +
      `| ${ms(calibratedMs)} | ${ms(predictedMs)} | ${ms(middle.ttftMs)} | ${ms(min)} – ${ms(max)} | ${(100 * off).toFixed(1)} % |`,
  );
  if (values.verbose) explain(middle);
}

/** Where the time went, rank by rank. */
function explain({ timeline }: GenerationResult): void {
  for (const { rank, totalMs, computeMs, attentionMs, waitMs, events } of timeline) {
    const cacheMs = events.reduce(
      (sum, { kind, startMs, endMs }) => sum + (kind === 'cache' ? endMs - startMs : 0),
      0,
    );
    const parts = [computeMs - attentionMs, attentionMs, cacheMs, waitMs, totalMs].map((ms) => ms.toFixed(0));
    console.log(
      `  rank ${rank}: blocks ${parts[0]}, attention ${parts[1]}, cache ${parts[2]}, wait ${parts[3]}, total ${parts[4]}`,
    );
  }
}

function dtypeOf(name: string): Dtype {
  const dtype = DTYPES.find((known) => known === name);
  if (dtype !== undefined) return dtype;
  throw new Error(`--dtypes ${name} is unknown; give some of ${DTYPES.join(',')}`);
}
