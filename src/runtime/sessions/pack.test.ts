import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GraphBuilder } from '../../model/graph/graph-builder.js';
import { encodeModel } from '../../model/graph/proto.js';
import { asBytes, WeightFile } from '../../model/graph/weight-file.js';
import { floats, openSession } from './kernels.js';
import { prepack } from './pack.js';
import { seededRandom } from '../../core/random.js';

const COLUMNS = 512;
const BLOCK_SIZE = 32;
const BLOCKS = COLUMNS / BLOCK_SIZE;
const ROWS = [96, 64, 32];

type Product = { readonly codes: Uint8Array; readonly scales: Float32Array };

let folder = '';
let products: Product[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-pack-'));
  products = await writeProducts(join(folder, 'plain.onnx'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Three 8-bit products of one input, whose packed weights are no multiple of a page long. */
async function writeProducts(path: string): Promise<Product[]> {
  const random = seededRandom(1);
  const graph = new GraphBuilder('products');
  const weights = await WeightFile.create(`${path}.bin`);
  const x = graph.input('x', 'f32', [1, 'rows', COLUMNS]);
  const made: Product[] = [];
  for (const [index, rows] of ROWS.entries()) {
    const codes = Uint8Array.from({ length: rows * COLUMNS }, () => 256 * random());
    const scales = Float32Array.from({ length: rows * BLOCKS }, () => 0.01 * (1 + random()));
    const dims = [rows, BLOCKS, BLOCK_SIZE];
    const w = graph.initializer(await weights.append(`w${index}`, 'u8', dims, codes));
    const s = graph.initializer(await weights.append(`s${index}`, 'f32', [scales.length], asBytes(scales)));
    const attributes = { K: COLUMNS, N: rows, bits: 8, block_size: BLOCK_SIZE, accuracy_level: 4 };
    graph.node('MatMulNBits', [x, w, s], { domain: 'com.microsoft', attributes, outputs: [`y${index}`] });
    graph.output(`y${index}`, 'f32', [1, 'rows', rows]);
    made.push({ codes, scales });
  }
  await weights.close();
  await writeFile(path, encodeModel(graph.build()));
  return made;
}

/** The largest difference from products summed by hand; the kernel rounds inputs to 8 bits, which leaves about 0.02. */
async function worstError(path: string): Promise<number> {
  const x = Float32Array.from({ length: COLUMNS }, (_, index) => Math.sin(index));
  const session = await openSession(path, { threads: 1, isPacked: true });
  const results = await session.run({ x: floats(x, [1, 1, COLUMNS]) });
  await session.close();
  let worst = 0;
  for (const [index, { codes, scales }] of products.entries()) {
    for (let row = 0; row < (ROWS[index] as number); row++) {
      let sum = 0;
      for (let i = 0; i < COLUMNS; i++) {
        const scale = scales[row * BLOCKS + Math.floor(i / BLOCK_SIZE)] as number;
        sum += (x[i] as number) * ((codes[row * COLUMNS + i] as number) - 128) * scale;
      }
      const error = Math.abs(sum - (results[`y${index}`]?.[row] ?? NaN));
      worst = Number.isNaN(error) ? Infinity : Math.max(worst, error);
    }
  }
  return worst;
}

test('several products in one graph are read back as they were packed', async () => {
  const path = join(folder, 'packed.onnx');
  expect(await prepack(join(folder, 'plain.onnx'), path)).toBe(true);
  expect(await worstError(path)).toBeLessThan(0.5);
});

test('weights that the runtime would read back wrong are left unpacked', async () => {
  const path = join(folder, 'unrepaired.onnx');
  expect(await prepack(join(folder, 'plain.onnx'), path, () => Promise.resolve())).toBe(false);
  expect(await worstError(path)).toBeLessThan(0.5);
});
