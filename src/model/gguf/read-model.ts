/**
 * What a HuggingFace folder of the same model would hold, made of the parts of a GGUF model: a config, and tensors under
 * their names.
 */
import type { StoredKinds } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import {
  architectureName,
  architectureTable,
  CONFIG_VECTORS,
  configOf,
  type ModelFacts,
  modelFacts,
} from './architectures/index.js';
import type { GgufFile } from './gguf-file.js';
import { broken } from './header/broken.js';
import { shortest, type Metadata } from './header/metadata.js';
import type { TensorEntry } from './header/tensor-table.js';
import { closeParts } from './split-files.js';
import { namedTensors, type StoredTensor } from './tensors/named-tensors.js';
import { tensorSource } from './tensors/tensor-source.js';

export type GgufModel = {
  readonly config: { readonly json: unknown; readonly path: string };
  readonly tensors: TensorSource;
  readonly metadata: Metadata;
  readonly facts: ModelFacts;
};

/** What a folder of the same model would hold. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export async function readModel(path: string, files: readonly GgufFile[]): Promise<GgufModel> {
  const [first] = files;
  if (first === undefined) throw new KvrError('INTERNAL', `${path} has no parts`);
  const { metadata } = first;
  const architecture = architectureName(metadata);
  const stored = storedTensors(files);
  const facts = modelFacts(
    metadata,
    architecture,
    (name) => stored.has(name),
    await smallVectors(stored, path),
  );
  const table = architectureTable(facts);
  const vocabulary = stored.get('token_embd.weight')?.shape[0];
  if (vocabulary === undefined) throw broken(path, 'it has no tensor token_embd.weight');
  const close = (): Promise<void> => closeParts(files);
  const source = { path, files: files.map((file) => file.path), close };
  return {
    config: { json: configOf(facts, table, vocabulary), path },
    tensors: tensorSource(source, namedTensors(stored.values(), table, facts)),
    metadata,
    facts,
  };
}

function storedTensors(files: readonly GgufFile[]): Map<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>();
  for (const file of files) {
    for (const [name, entry] of file.tensors) {
      stored.set(name, { name, shape: entry.shape, matrix: file.matrix(entry) });
    }
  }
  return stored;
}

/** Half a head has 4,096 frequencies at most. */
const MAX_VECTOR = 4096;

async function smallVectors(
  stored: ReadonlyMap<string, StoredTensor>,
  path: string,
): Promise<Map<string, readonly number[]>> {
  const vectors = new Map<string, readonly number[]>();
  for (const name of CONFIG_VECTORS) {
    const tensor = stored.get(name);
    if (tensor === undefined) continue;
    const [length = 0, ...others] = tensor.shape;
    if (others.length > 0 || length > MAX_VECTOR)
      throw broken(
        path,
        `tensor ${name} is [${tensor.shape.join(', ')}], it must be a vector up to ${MAX_VECTOR}`,
      );
    vectors.set(name, [...(await tensor.matrix.read(0, 1))].map(shortest));
  }
  return vectors;
}

/** Kinds of all weights. */
export function storedKinds(files: readonly GgufFile[]): StoredKinds {
  const entries = files.flatMap((file) => [...file.tensors.values()]);
  const isLayers = ({ name }: TensorEntry): boolean => name.startsWith('blk.');
  return {
    layers: kindCounts(entries.filter(isLayers)),
    others: kindCounts(entries.filter((entry) => !isLayers(entry))),
  };
}

function kindCounts(entries: readonly TensorEntry[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { kind, shape } of entries) {
    kinds[kind.name] = (kinds[kind.name] ?? 0) + shape.reduce((product, size) => product * size, 1);
  }
  return kinds;
}
