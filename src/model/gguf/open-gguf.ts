/**
 * Opens a GGUF file, or all parts of a split one, as a checkpoint: what a HuggingFace folder of the same model would say is
 * made from it, and model/families reads that. Called by model/open.
 */
import { stat } from 'node:fs/promises';
import type { Checkpoint, EmbeddingRecipe } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { Pooling } from '../../core/request.js';
import { digestOfFiles, type DigestOptions } from '../cache/digest.js';
import { isErrno } from '../cache/files/errno.js';
import type { OnDamage } from '../cache/files/kept-json.js';
import { countParameters } from '../checkpoint/parameters.js';
import { familyOf } from '../families/index.js';
import type { GgufFile } from './gguf-file.js';
import { nearestDtype } from './kinds/index.js';
import { readModel, storedKinds } from './read-model.js';
import { closeParts, openParts } from './split-files.js';
import { endIds } from './tokenizer/end-ids.js';
import { tokenizerFolder } from './tokenizer/tokenizer-folder.js';
import { namedId, readVocabulary } from './tokenizer/vocabulary.js';

export type GgufOptions = DigestOptions & {
  readonly onDamage?: OnDamage;
  /** What the checkpoint is called, where that is not the file. */
  readonly name?: string;
};

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
  const kinds = storedKinds(files);
  const nearest = nearestDtype(kinds.layers);
  const layer = (index: number) => layers[index] ?? noSuchLayer(index, layers.length);
  return {
    ...parts,
    layer,
    name: options.name ?? path,
    digest,
    files: tensors.files,
    parameters: countParameters({ ...parts, layer }),
    eosIds: vocabulary ? endIds(metadata, vocabulary, architecture) : [],
    bosId: vocabulary && namedId(metadata, 'bos', vocabulary.tokens.length),
    tokenizerFolder:
      vocabulary && (await tokenizerFolder(metadata, vocabulary, { ...options, digest, architecture })),
    storedKinds: kinds,
    ...(nearest.dtype !== 'f32' && { suggestedDtype: nearest }),
    ...recipeOf(facts.number('pooling_type')),
    close: () => tensors.close(),
  };
}

/** GGUF's numbers of the ways of pooling; 0, "none", says nothing. Such files leave normalising to who runs them. */
const POOLING_TYPES: Readonly<Record<number, Pooling>> = { 1: 'mean', 3: 'last' };

function recipeOf(type: number | undefined): { readonly embeddingRecipe?: EmbeddingRecipe } {
  if (type === undefined || type === 0) return {};
  const pooling = POOLING_TYPES[type];
  return pooling === undefined
    ? { embeddingRecipe: { kind: 'unsupported', reason: `its pooling_type is ${type}` } }
    : { embeddingRecipe: { kind: 'pooled', pooling, isNormalized: true } };
}

function noSuchLayer(index: number, layers: number): never {
  throw new KvrError('INTERNAL', `layer ${index} was asked for, the model has layers 0 to ${layers - 1}`);
}
