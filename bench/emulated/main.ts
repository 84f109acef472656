/**
 * More workers than cores, emulated: KVR beside TSP and dense TSP for 4 and 8 workers on 10 and 1 Gbit/s links, on the shapes of
 * Llama 7B and Falcon 7B. Kernels are run and timed one rank at a time, links and overlap are modelled:
 *   npm run bench:emulated -- [--models llama-7b,falcon-7b] [--context 4k,8k,16k] [--dtype w8a8] [--layers 2] [--round 1]
 * Every model, length and round is a piece of its own, kept under build/emulated; pieces that are there are not run again.
 * Writes docs/emulated.md from all pieces there are (--write-only: runs none).
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseTokens } from '../../src/core/quantities.js';
import { DTYPES } from '../../src/core/shape.js';
import { KV_FRAME_BYTES } from '../../src/link/frame.js';
import { type EmulatedCluster, machineFacts, runEmulatedBench } from '../../src/evaluation/bench/index.js';
import { document, type Piece } from './document.js';

const PIECES = 'build/emulated';
const DOCUMENT = 'docs/emulated.md';
const WORKERS = [4, 8];
const LINKS_GBIT = [10, 1];
const LATENCY_MS = 0.05;
/** Vocabulary does not matter to a prompt phase but for the head of one row; a small one compiles sooner. */
const VOCABULARY = 4096;

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'llama-7b,falcon-7b' },
    context: { type: 'string', default: '4k,8k,16k' },
    dtype: { type: 'string', default: 'w8a8' },
    layers: { type: 'string', default: '2' },
    round: { type: 'string', default: '1' },
    'cache-dir': { type: 'string' },
    'write-only': { type: 'boolean', default: false },
  },
});

mkdirSync(PIECES, { recursive: true });
if (!values['write-only']) await runMissing();
writeFileSync(DOCUMENT, document(readPieces(), LATENCY_MS));
console.log(`wrote ${DOCUMENT}`);

async function runMissing(): Promise<void> {
  const dtype = DTYPES.find((name) => name === values.dtype);
  if (!dtype) throw new Error(`--dtype ${values.dtype} is unknown; give one of ${DTYPES.join(', ')}`);
  for (const name of values.models.split(',')) {
    for (const text of values.context.split(',')) {
      const contextTokens = parseTokens('--context', text);
      const file = `${PIECES}/${name}-${dtype}-${values.layers}-${contextTokens}-${values.round}.json`;
      if (readdirSync(PIECES).some((known) => file.endsWith(`/${known}`))) continue;
      writeFileSync(file, JSON.stringify(await runPiece(name, contextTokens, dtype)));
      console.log(`measured ${file}`);
    }
  }
}

async function runPiece(name: string, contextTokens: number, dtype: Piece['dtype']): Promise<Piece> {
  const model = `synthetic:${name},layers=${values.layers},vocab=${VOCABULARY},context=${contextTokens + 1}`;
  const clusters = WORKERS.flatMap((workers) => LINKS_GBIT.map((gbit) => clusterOf(workers, gbit)));
  const cacheDir = values['cache-dir'];
  const startMs = performance.now();
  const { cells } = await runEmulatedBench({
    engine: { model, dtype, ...(cacheDir !== undefined && { cacheDir }) },
    clusters,
    strategies: ['single', 'tsp-dense', 'tsp', 'kvr'],
    contexts: [contextTokens],
    repeats: 1,
    seed: 0,
  });
  const tookMs = performance.now() - startMs;
  const kept = cells.map(({ timeline, runsMs, ...cell }) => cell);
  return {
    name,
    layers: Number(values.layers),
    contextTokens,
    dtype,
    machine: machineFacts(),
    tookMs,
    cells: kept,
  };
}

function clusterOf(workers: number, gbit: number): EmulatedCluster {
  return {
    workers,
    link: { bytesPerS: (gbit * 1e9) / 8, latencyMs: LATENCY_MS, frameBytes: KV_FRAME_BYTES },
  };
}

function readPieces(): Piece[] {
  const files = readdirSync(PIECES).filter((file) => file.endsWith('.json'));
  return files.map((file) => JSON.parse(readFileSync(`${PIECES}/${file}`, 'utf8')) as Piece);
}
