/**
 * Opens a GGUF file, or all parts of a split one, as a checkpoint: what a HuggingFace folder of the same model would say is
 * made from it, and model/families reads that. Called by model/open.
 */
import { stat } from 'node:fs/promises';
import type { Checkpoint, StoredKinds } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { digestOfFiles, type DigestOptions } from '../cache/digest.js';
import { isErrno } from '../cache/files/errno.js';
import type { OnDamage } from '../cache/files/kept-json.js';
import { countParameters } from '../checkpoint/parameters.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import { familyOf } from '../families/index.js';
import {
  architectureName,
  architectureTable,
  CONFIG_VECTORS,
  configOf,
  type ModelFacts,
  modelFacts,
} from './architectures/index.js';
import { broken } from './header/broken.js';
import type { GgufFile } from './gguf-file.js';
import { shortest, type Metadata } from './header/metadata.js';
import type { TensorEntry } from './header/tensor-table.js';
import { closeParts, openParts } from './split-files.js';
import { namedTensors, type StoredTensor } from './tensors/named-tensors.js';
import { tensorSource } from './tensors/tensor-source.js';
import { endIds } from './tokenizer/end-ids.js';
import { tokenizerFolder } from './tokenizer/tokenizer-folder.js';
import { namedId, readVocabulary } from './tokenizer/vocabulary.js';

export const GGUF_ENDING = '.gguf';

export type GgufOptions = DigestOptions & { readonly onDamage?: OnDamage };

/** @throws MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CANCELLED, CACHE_UNWRITABLE, DISK_FULL */
export async function openGguf(path: string, options: GgufOptions): Promise<Checkpoint> {
  await checkThere(path);
  const files = await openParts(path);
  try {
    return await checkpointOf(path, files, options);
  } catch (error) {
    await closeParts(files);
    throw error;
  }
}

async function checkThere(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) return;
    const message = `model "${path}": there is no such file; give a GGUF file or a folder with config.json and *.safetensors`;
    throw new KvrError('MODEL_NOT_FOUND', message, {}, error);
  }
}

async function checkpointOf(
  path: string,
  files: readonly GgufFile[],
  options: GgufOptions,
): Promise<Checkpoint> {
  const model = await readModel(path, files);
  const { config, tensors, metadata, facts } = model;
  const { family, file } = familyOf(config);
  const { layers, ...parts } = family.read(file, tensors);
  const vocabulary = readVocabulary(metadata, parts.shape.vocabulary);
  const digest = await digestOfFiles(tensors.files, options);
  const { architecture } = facts;
  const layer = (index: number) => layers[index] ?? noSuchLayer(index, layers.length);
  return {
    ...parts,
    layer,
    name: path,
    digest,
    parameters: countParameters({ ...parts, layer }),
    eosIds: vocabulary ? endIds(metadata, vocabulary, architecture) : [],
    bosId: vocabulary && namedId(metadata, 'bos', vocabulary.tokens.length),
    tokenizerFolder:
      vocabulary && (await tokenizerFolder(metadata, vocabulary, { ...options, digest, architecture })),
    storedKinds: storedKinds(files),
    close: () => tensors.close(),
  };
}

function noSuchLayer(index: number, layers: number): never {
  throw new KvrError('INTERNAL', `layer ${index} was asked for, the model has layers 0 to ${layers - 1}`);
}

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

function storedKinds(files: readonly GgufFile[]): StoredKinds {
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
