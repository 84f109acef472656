/**
 * This program beside llama.cpp on random weights of one shape, with the same cores, in turn:
 *   npm run bench:peers -- --dtype q8,w8a8 --context 512,2048
 * Ours with a worker a core and with one worker on all cores; llama.cpp with as many threads, flash attention on.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KvrError } from '../../src/core/errors.js';
import type { Dtype } from '../../src/core/shape.js';
import { machineFacts } from '../../src/evaluation/bench/machine.js';
import { Engine, type ModelShape } from '../../src/index.js';
import { openSynthetic } from '../../src/model/synthetic/index.js';
import { type Flags, parseFlags } from './flags.js';
import { type GgufType, writeGguf } from './gguf.js';
import { installPeer, isThere, PEER } from './install.js';
import { Llama } from './llama.js';
import { compare, table } from './report.js';
import { DECODE_TOKENS, type Question, runRounds, type Side } from './rounds.js';

const OURS = 'kv-runahead';
/** The peer's type with the same bits a weight. */
const PEER_TYPES: Readonly<Record<Dtype, GgufType>> = { f32: 'F32', q8: 'Q8_0', q4: 'Q4_0', w8a8: 'Q8_0' };

const note = (text: string): void => console.error(`bench:peers: ${text}`);

async function main(flags: Flags): Promise<void> {
  const { shape } = openSynthetic(flags.model);
  const sides: Side[] = [];
  try {
    await openPeers(flags, shape, sides);
    await openOurs(flags, sides);
    const questions: Question[] = [
      ...flags.context.map((contextTokens): Question => ({ kind: 'prefill', contextTokens })),
      ...flags.decodeAfter.map((contextTokens): Question => ({ kind: 'decode', contextTokens })),
    ];
    const { repeats } = flags;
    const { vocabulary } = shape;
    const cells = compare(
      await runRounds(sides, questions, { repeats, vocabulary, note }),
      PEER,
      (dtype) => PEER_TYPES[dtype as Dtype],
    );
    const machine = machineFacts();
    if (flags.json)
      process.stdout.write(
        `${JSON.stringify({ model: flags.model, peer: PEER, machine, repeats, cells })}\n`,
      );
    else {
      process.stdout.write(
        `${flags.model}, measured, medians of ${repeats} runs in turn; ${machine.cpu}, ${flags.cores} cores\n`,
      );
      process.stdout.write(table(cells));
    }
  } finally {
    for (const { program } of sides) await program.close();
  }
}

/** One process of the peer for every type that is asked for. */
async function openPeers(flags: Flags, shape: ModelShape, sides: Side[]): Promise<void> {
  const entry = await installPeer(join(flags.dir, PEER.replace(' ', '-')), note);
  for (const type of new Set(flags.dtype.map((dtype) => PEER_TYPES[dtype]))) {
    const gguf = await ggufOf(flags, shape, type);
    const contextTokens = Math.max(...flags.context, ...flags.decodeAfter, 1) + 2 * DECODE_TOKENS;
    const program = await Llama.start({ entry, gguf, threads: flags.cores, contextTokens });
    sides.push({ name: PEER, dtype: type, workers: 1, threads: flags.cores, program });
  }
}

async function ggufOf({ dir, model }: Flags, shape: ModelShape, type: GgufType): Promise<string> {
  const path = join(dir, `${model.replace(/[^A-Za-z0-9.=-]+/g, '_')}-${type}.gguf`);
  if (await isThere(path)) return path;
  note(`writing ${path}`);
  await mkdir(dir, { recursive: true });
  await writeGguf(path, shape, type);
  return path;
}

async function openOurs({ model, dtype: dtypes, cores }: Flags, sides: Side[]): Promise<void> {
  const layouts =
    cores === 1
      ? [[1, 1]]
      : [
          [cores, 1],
          [1, cores],
        ];
  for (const dtype of dtypes) {
    for (const [workers = 1, threads = 1] of layouts) {
      note(`loading ${dtype}, ${workers} × ${threads}`);
      const program = await Engine.load({ model, dtype, workers, threads });
      sides.push({ name: OURS, dtype, workers, threads, program });
    }
  }
}

try {
  await main(parseFlags(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof KvrError)) throw error;
  note(error.message);
  process.exitCode = 2;
}
