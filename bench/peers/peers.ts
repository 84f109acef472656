/**
 * This program beside llama.cpp on random weights of one shape, with the same cores, in turn. Ours with a worker a core and with one
 * worker on all cores; llama.cpp with as many threads, flash attention on.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dtype } from '../../src/core/shape.js';
import { Engine, type ModelShape } from '../../src/index.js';
import { openSynthetic } from '../../src/model/synthetic/index.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { type Flags, peersFlags } from './flags.js';
import { type GgufType, writeGguf } from './gguf.js';
import { installPeer, isThere, PEER } from './install.js';
import { Llama } from './llama.js';
import { compare, peersTable } from './report.js';
import { DECODE_TOKENS, type Question, runQuestion, type Side } from './rounds.js';

const OURS = 'kv-runahead';
/** The peer's type with the same bits a weight. */
const PEER_TYPES: Readonly<Record<Dtype, GgufType>> = { f32: 'F32', q8: 'Q8_0', q4: 'Q4_0', w8a8: 'Q8_0' };

export const peers: Benchmark<Flags> = {
  name: 'peers',
  summary: 'prompt and decode speed beside llama.cpp, same shape and cores',
  details: `Installs ${PEER} into a folder of its own with npm, where it is not there yet; it is never a dependency of this package. Each
round runs every side once.

Example:
  npm run bench -- peers --dtype w8a8,q8,q4 --context 2048`,
  flags: peersFlags,
  run: runPeers,
};

async function runPeers(flags: Flags, { note }: BenchContext): Promise<Report> {
  const { shape } = openSynthetic(flags.model);
  const sides: Side[] = [];
  try {
    await openPeers(flags, shape, sides, note);
    await openOurs(flags, sides, note);
    const questions: Question[] = [
      ...flags.context.map((contextTokens): Question => ({ kind: 'prefill', contextTokens })),
      ...flags.decodeAfter.map((contextTokens): Question => ({ kind: 'decode', contextTokens })),
    ];
    const settings = { repeats: flags.repeats, seed: flags.seed, vocabulary: shape.vocabulary, note };
    const cells = [];
    for (const question of questions) cells.push(...(await runQuestion(sides, question, settings)));
    const compared = compare(cells, PEER, (dtype) => PEER_TYPES[dtype as Dtype]);
    return { tables: [peersTable(flags.model, flags.repeats, compared)] };
  } finally {
    for (const { program } of sides) await program.close();
  }
}

type Note = BenchContext['note'];

/** One process of the peer for every type that is asked for. */
async function openPeers(flags: Flags, shape: ModelShape, sides: Side[], note: Note): Promise<void> {
  const entry = await installPeer(join(flags.dir, PEER.replace(' ', '-')), note);
  for (const type of new Set(flags.dtype.map((dtype) => PEER_TYPES[dtype]))) {
    const gguf = await ggufOf(flags, shape, type, note);
    const contextTokens = Math.max(...flags.context, ...flags.decodeAfter, 1) + 2 * DECODE_TOKENS;
    const program = await Llama.start({ entry, gguf, threads: flags.cores, contextTokens });
    sides.push({ name: PEER, dtype: type, workers: 1, threads: flags.cores, program });
  }
}

async function ggufOf({ dir, model }: Flags, shape: ModelShape, type: GgufType, note: Note): Promise<string> {
  const path = join(dir, `${model.replace(/[^A-Za-z0-9.=-]+/g, '_')}-${type}.gguf`);
  if (await isThere(path)) return path;
  note(`writing ${path}`);
  await mkdir(dir, { recursive: true });
  await writeGguf(path, shape, type);
  return path;
}

async function openOurs({ model, dtype: dtypes, cores }: Flags, sides: Side[], note: Note): Promise<void> {
  for (const dtype of dtypes) {
    for (const { workers, threads } of layoutsOf(cores)) {
      note(`loading ${dtype}, ${workers} × ${threads}`);
      const program = await Engine.load({ model, dtype, workers, threads });
      sides.push({ name: OURS, dtype, workers, threads, program });
    }
  }
}

/** A worker a core, and one worker on all of them: the same where there is one. */
function layoutsOf(cores: number): { workers: number; threads: number }[] {
  const layouts = [
    { workers: cores, threads: 1 },
    { workers: 1, threads: cores },
  ];
  return cores === 1 ? layouts.slice(1) : layouts;
}
