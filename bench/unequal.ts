/**
 * Unequal workers: two with one thread, each pinned to a core of its own, the second one's core shared with a process that never
 * rests. The planned cut beside the even one and one worker, taking turns. Linux with taskset, two cores:
 *   npm run bench:unequal -- [--context 2k] [--dtype w8a8] [--repeats 5]
 * Ends with status 1 where the loaded worker does not get the smaller slice or the plan is not 1.2 times as fast as the even cut.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { parseTokens } from '../src/core/quantities.js';
import { DTYPES } from '../src/core/shape.js';
import { median, medianRange, middleOf } from '../src/core/statistics.js';
import { Engine, type GenerateRequest, type GenerationResult } from '../src/index.js';
import { planPartition } from '../src/plan/index.js';

const KVR = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const GOAL = 1.2;
const PORTS = [7101, 7102];

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'synthetic:tinyllama-1.1b,layers=8,vocab=4096,context=8200' },
    dtype: { type: 'string', default: 'w8a8' },
    context: { type: 'string', default: '2k' },
    repeats: { type: 'string', default: '5' },
    'cache-dir': { type: 'string' },
  },
});
const dtype = DTYPES.find((known) => known === values.dtype) ?? 'w8a8';
const cacheDir = values['cache-dir'];
const children: ChildProcess[] = [];

const WAYS: Readonly<Record<string, Pick<GenerateRequest, 'strategy' | 'partition'>>> = {
  'one worker, the free one': { strategy: 'single' },
  'even cut': { partition: 'e' },
  planned: { partition: 'auto' },
};

/** A request, and which worker had which rank. */
type Run = GenerationResult & { readonly order: readonly number[] };

process.exitCode = await main().finally(() => children.forEach((child) => child.kill()));

async function main(): Promise<number> {
  for (const [core, port] of PORTS.entries()) await startWorker(core, port);
  children.push(spawn('taskset', ['-c', '1', process.execPath, '-e', 'for (;;);'], { stdio: 'ignore' }));
  const workers = PORTS.map((port) => `127.0.0.1:${port}`);
  const cache = cacheDir === undefined ? {} : { cacheDir };
  const engine = await Engine.load({ model: values.model, dtype, workers, calibrate: 'fresh', ...cache });
  const results = new Map(Object.keys(WAYS).map((name): [string, Run[]] => [name, []]));
  // The first round warms up, and costs follow it.
  for (let round = 0; round <= Number(values.repeats); round++) {
    for (const [name, way] of Object.entries(WAYS)) {
      const result = await run(engine, way);
      if (round > 0) results.get(name)?.push(result);
    }
  }
  await engine.close();
  return report(results);
}

async function startWorker(core: number, port: number): Promise<void> {
  const cache = cacheDir === undefined ? [] : ['--cache-dir', cacheDir];
  const listen = ['worker', '--listen', `127.0.0.1:${port}`, '--insecure', '--threads', '1'];
  const words = [KVR, ...listen, '--model', values.model, '--dtype', dtype, ...cache];
  const child = spawn('taskset', ['-c', String(core), process.execPath, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the worker at port ${port} ended with ${code}`)));
    child.stdout.on('data', (text) => String(text).includes('kvr worker listens') && resolve());
  });
}

async function run(engine: Engine, way: Pick<GenerateRequest, 'strategy' | 'partition'>): Promise<Run> {
  const tokens = parseTokens('--context', values.context);
  const promptIds = Array.from(
    { length: tokens },
    (_, index) => (index * 7919) % engine.model.shape.vocabulary,
  );
  const { costs, model } = engine;
  const plan = costs && planPartition({ contextTokens: tokens, shape: model.shape, ...costs.knowledge });
  const planned = plan?.ranks.map(({ worker }) => worker);
  const result = await engine.complete({ promptIds, maxTokens: 1, ...way });
  return {
    ...result,
    order: way.partition === 'auto' && planned ? planned : result.partition.map((_, rank) => rank),
  };
}

/** Tokens by worker, in the order in which they were given, whatever their rank. */
function tokensByWorker({ order, partition }: Run): number[] {
  return PORTS.map((_, worker) => partition[order.indexOf(worker)] ?? 0);
}

function report(results: ReadonlyMap<string, readonly Run[]>): number {
  console.log(
    `${values.model}, ${dtype}, ${values.context} tokens, two workers × 1 thread, the second one's core loaded; TTFT in ms (measured)\n`,
  );
  console.log('| cut | median | min – max | predicted | tokens of the free + the loaded worker |');
  console.log('|---|--:|---|--:|---|');
  for (const [name, runs] of results) {
    const middle = middleOf(runs, ({ ttftMs }) => ttftMs);
    const { min, max } = medianRange(runs.map(({ ttftMs }) => ttftMs));
    const ms = (value: number | null | undefined): string => (value ?? NaN).toFixed(0);
    console.log(
      `| ${name} | ${ms(middle.ttftMs)} | ${ms(min)} – ${ms(max)} | ${ms(middle.predictedTtftMs)} | ${tokensByWorker(middle).join(' + ')} |`,
    );
  }
  const gain = medianMs(results.get('even cut')) / medianMs(results.get('planned'));
  console.log(`\nplanned is ${gain.toFixed(2)} times as fast as the even cut; at least ${GOAL} is asked for`);
  const hasSmaller = (results.get('planned') ?? []).every((each) => {
    const [free = 0, loaded = 0] = tokensByWorker(each);
    return loaded < free;
  });
  if (!hasSmaller) console.log('the loaded worker got the larger slice');
  return gain >= GOAL && hasSmaller ? 0 : 1;
}

function medianMs(runs: readonly Run[] = []): number {
  return median(
    runs.map(({ ttftMs }) => ttftMs),
    NaN,
  );
}
