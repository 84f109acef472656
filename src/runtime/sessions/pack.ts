/**
 * Weights as this machine's kernels want them, kept on disk, from where all workers map them: they share one copy in the
 * page cache. The runtime packs them and reads them back; whether it reads back what it wrote is tried on every graph.
 */
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { alignPacked } from '../../model/graph/packed-weights.js';
import {
  type Elements,
  type Feeds,
  floats,
  type GraphInput,
  int64,
  openSession,
  type Outputs,
  saveOptimised,
} from './kernels.js';
import { seededRandom } from '../../core/random.js';

/**
 * Writes the graph at `source` as `target` and its weights as `<target>.bin`. Where it would compute something else than
 * `source` does, its weights are left unpacked: every worker then packs them for itself.
 * @param repair puts right what the runtime saved; tests leave it out
 * @returns whether the weights are packed, and so shared
 * @throws an error of "No space left on device" where the disk is full; INTERNAL
 */
export async function prepack(source: string, target: string, repair = alignPacked): Promise<boolean> {
  try {
    return await packAndTry(source, target, repair);
  } catch (error) {
    if (await lacksRoom(source)) throw new Error('No space left on device', { cause: error });
    throw error;
  }
}

/** A packed file holds weights twice. */
const PACKED_PER_PLAIN = 2;

/** The runtime does not say why it could not write a file; the disk does. */
async function lacksRoom(source: string): Promise<boolean> {
  const [{ bavail, bsize }, { size }] = await Promise.all([statfs(dirname(source)), stat(`${source}.bin`)]);
  return bavail * bsize < PACKED_PER_PLAIN * size;
}

async function packAndTry(source: string, target: string, repair: typeof alignPacked): Promise<boolean> {
  await saveOptimised(source, target, true);
  await keepWeightFile(target);
  await repair(target);
  if (areSame(await tried(source, false), await tried(target, true))) return true;
  await Promise.all([rm(target), rm(`${target}.bin`)]);
  await saveOptimised(source, target, false);
  await keepWeightFile(target);
  return false;
}

/** The runtime writes no file where a graph has small weights only, and keeps those in the graph. */
async function keepWeightFile(target: string): Promise<void> {
  await (await open(`${target}.bin`, 'a')).close();
}

/** What a graph makes of the same made-up inputs every time. */
async function tried(path: string, isPacked: boolean): Promise<Outputs> {
  const session = await openSession(path, { threads: 1, isPacked });
  try {
    return await session.run(madeUpFeeds(session.inputs));
  } finally {
    await session.close();
  }
}

/** Products of one row and of many have kernels of their own, which read the same weights. */
const TRIED_ROWS = 2;

function madeUpFeeds(inputs: readonly GraphInput[]): Feeds {
  const random = seededRandom(inputs.length);
  return Object.fromEntries(
    inputs.map(({ name, type, dims }) => {
      const sizes = dims.map((dim) => (typeof dim === 'number' ? dim : TRIED_ROWS));
      const length = sizes.reduce((product, size) => product * size, 1);
      if (type === 'int64') return [name, int64(new BigInt64Array(length), sizes)];
      return [
        name,
        floats(
          Float32Array.from({ length }, () => random() - 0.5),
          sizes,
        ),
      ];
    }),
  );
}

/** To the bit: the same kernels sum the same numbers in the same order. */
function areSame(these: Outputs, those: Outputs): boolean {
  return Object.entries(these).every(([name, values]) => {
    const others = those[name];
    return others !== undefined && Buffer.compare(bytesOf(values), bytesOf(others)) === 0;
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Elements): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
