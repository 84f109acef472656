/**
 * Weights as this machine's kernels want them, kept on disk, from where all workers map them: they share one copy in the
 * page cache. The runtime packs them and reads them back; whether it reads back what it wrote is tried on every graph.
 */
import { rm } from 'node:fs/promises';
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
 */
export async function prepack(source: string, target: string, repair = alignPacked): Promise<boolean> {
  await saveOptimised(source, target, true);
  await repair(target);
  if (areSame(await tried(source, false), await tried(target, true))) return true;
  await Promise.all([rm(target), rm(`${target}.bin`)]);
  await saveOptimised(source, target, false);
  return false;
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
