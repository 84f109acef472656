/**
 * Real links, shaped: two workers, each in a network namespace of its own, over TCP on links of several speeds and
 * latencies; every strategy side by side in one interleaved bench per link. Linux, as root:
 *   npm run bench:links -- [--repeats 5] [--links 10000/0,200/5] [--context 512,4k] [--dtype w8a8]
 * Links are MBIT/ONE_WAY_MS. Ends with status 1 where planned KVR is slower than TSP or than one worker by more than
 * the spread of the runs.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { FAR, makeNetwork, NEAR, removeNetwork, shape } from './network.js';
import { type Cell, checkCells, printCells } from './report.js';

const KVR = new URL('../../../dist/cli/main.js', import.meta.url).pathname;
const RELAY = new URL('./relay.js', import.meta.url).pathname;
const WORKER_PORT = 7001;
const RELAY_PORT = 7002;
const STRATEGIES = 'single,tsp-dense,tsp,kvr-e,kvr-s,kvr-p,kvr';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'synthetic:tinyllama-1.1b,layers=8' },
    dtype: { type: 'string', default: 'f32' },
    context: { type: 'string', default: '512,1k,2k,4k' },
    links: { type: 'string', default: '10000/0,10000/5,1000/0,1000/5,200/0,200/5' },
    strategies: { type: 'string', default: STRATEGIES },
    repeats: { type: 'string', default: '5' },
    'cache-dir': { type: 'string' },
  },
});
const cache = values['cache-dir'] === undefined ? [] : ['--cache-dir', values['cache-dir']];
const machine = ['--model', values.model, '--dtype', values.dtype, ...cache];
const children = new Set<ChildProcess>();

process.exitCode = await main().finally(cleanUp);

async function main(): Promise<number> {
  process.on('SIGINT', () => process.exit(130));
  process.on('exit', cleanUp);
  makeNetwork();
  await worker(NEAR.namespace, NEAR.host);
  await worker(FAR.namespace, '127.0.0.1');
  let failures = 0;
  for (const text of values.links.split(',')) {
    const [mbit = 0, oneWayMs = 0] = text.split('/').map(Number);
    const cells = await measure(mbit, oneWayMs);
    printCells(`${mbit} Mbit/s, ${oneWayMs === 0 ? 'about 0.1' : oneWayMs} ms one way`, cells);
    failures += checkCells(cells);
  }
  return failures === 0 ? 0 : 1;
}

/** One worker with one thread. */
function worker(namespace: string, host: string): Promise<ChildProcess> {
  const words = [
    KVR,
    'worker',
    '--listen',
    `${host}:${WORKER_PORT}`,
    ...machine,
    '--threads',
    '1',
    '--insecure',
  ];
  return start(namespace, words, 'kvr worker listens');
}

/** Links are measured anew for each shape, as a user does whose network has changed. */
async function measure(mbit: number, oneWayMs: number): Promise<Cell[]> {
  shape(mbit * 1e6);
  const relay = await start(
    FAR.namespace,
    [RELAY, FAR.host, RELAY_PORT, WORKER_PORT, oneWayMs].map(String),
    'relay listens',
  );
  const workers = `${NEAR.host}:${WORKER_PORT},${FAR.host}:${RELAY_PORT}`;
  try {
    kvr('plan', '--fresh', '--context', '512', '--workers', workers);
    const document = kvr(
      'bench',
      '--workers',
      workers,
      '--context',
      values.context,
      '--strategies',
      values.strategies,
      '--repeats',
      values.repeats,
    );
    return (JSON.parse(document) as { cells: Cell[] }).cells;
  } finally {
    children.delete(relay);
    relay.kill();
    await once(relay, 'exit');
  }
}

/** The engine runs beside the near worker, as on a user's own machine. @returns its document */
function kvr(command: string, ...words: string[]): string {
  const all = [
    'netns',
    'exec',
    NEAR.namespace,
    process.execPath,
    KVR,
    command,
    ...machine,
    ...words,
    '--json',
  ];
  return execFileSync('ip', all, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
}

/** @returns once the process has said that it is ready */
async function start(namespace: string, words: string[], ready: string): Promise<ChildProcess> {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.once('exit', (code) => {
    if (children.has(child)) throw new Error(`${words.join(' ')} ended with ${code}`);
  });
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text) => String(text).includes(ready) && resolve());
  });
  return child;
}

function cleanUp(): void {
  for (const child of children) {
    children.delete(child);
    child.kill();
  }
  removeNetwork();
}
