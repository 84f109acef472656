/**
 * Opens a HuggingFace folder (config.json and safetensors files) as a checkpoint. Every tensor is found and
 * its shape checked before this returns; weights are read when asked for. Called by model/open.
 */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Checkpoint } from '../core/checkpoint.js';
import { KvrError } from '../core/errors.js';
import { readEmbeddingRecipe } from './embedding-recipe.js';
import { familyOf } from './families/index.js';
import { tokenIdsSchema } from './family/config-limits.js';
import type { ModelParts } from './family/model-parts.js';
import { digestOfFiles } from './cache/digest.js';
import type { DigestOptions } from './cache/digest.js';
import { isErrno } from './cache/files/errno.js';
import { readMaxNewTokens, readSamplingDefaults } from './checkpoint/sampling-defaults.js';
import { checkJson, readJsonFile } from './checkpoint/json-file.js';
import { countParameters } from './checkpoint/parameters.js';
import { INDEX_FILE, openSafetensors } from './checkpoint/safetensors.js';
import type { TensorSource } from './checkpoint/safetensors.js';

/** Configs have a few KB; vocabularies some list in them make hundreds. */
const MAX_CONFIG_BYTES = 16_000_000;

export type FolderOptions = DigestOptions & {
  /** What the checkpoint is called, where that is not the folder. */
  readonly name?: string;
};

/** @throws MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CANCELLED */
export async function openFolder(folder: string, options: FolderOptions): Promise<Checkpoint> {
  await checkFolder(folder);
  const config = await readConfig(folder);
  const { family, file } = familyOf(config);
  const tensors = await openSafetensors(folder);
  try {
    return await checkpointOf(folder, family.read(file, tensors), tensors, config.json, options);
  } catch (error) {
    await tensors.close();
    throw error;
  }
}

async function checkpointOf(
  folder: string,
  { layers, ...parts }: ModelParts,
  tensors: TensorSource,
  config: unknown,
  options: FolderOptions,
): Promise<Checkpoint> {
  const layer = (index: number) => layers[index] ?? noSuchLayer(index, layers.length);
  const embeddingRecipe = await readEmbeddingRecipe(folder);
  return {
    ...parts,
    layer,
    name: options.name ?? folder,
    digest: await digestOfFiles([join(folder, 'config.json'), ...tensors.files], options),
    files: await filesOf(folder, tensors),
    parameters: countParameters({ ...parts, layer }),
    ...(await readGeneration(folder, config)),
    tokenizerFolder: resolve(folder),
    ...(embeddingRecipe && { embeddingRecipe }),
    close: () => tensors.close(),
  };
}

/** The config, and what else lies there of the files that opening reads. */
async function filesOf(folder: string, tensors: TensorSource): Promise<string[]> {
  const others = ['config.json', 'generation_config.json', INDEX_FILE].map((name) => join(folder, name));
  const kinds = await Promise.all(others.map(kindOf));
  return [...others.filter((_, place) => kinds[place] === 'file'), ...tensors.files];
}

function noSuchLayer(index: number, layers: number): never {
  throw new KvrError('INTERNAL', `layer ${index} was asked for, the model has layers 0 to ${layers - 1}`);
}

async function checkFolder(folder: string): Promise<void> {
  const kind = await kindOf(folder);
  if (kind === 'folder') return;
  const what = kind === undefined ? 'there is no such folder' : 'that is no folder';
  throw new KvrError(
    'MODEL_NOT_FOUND',
    `model "${folder}": ${what}${folder === '' ? '' : ` at ${resolve(folder)}`}; give a folder with config.json and *.safetensors, ORG/NAME of the hub, "quote", or "synthetic:NAME,layers=N"`,
  );
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | undefined> {
  try {
    const facts = await stat(path);
    return facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new KvrError(
      'MODEL_NOT_FOUND',
      `model ${path} can not be read: ${String(error)}; check its rights`,
      {},
      error,
    );
  }
}

async function readConfig(folder: string): Promise<{ json: unknown; path: string }> {
  const path = join(folder, 'config.json');
  const json = await readJsonFile(path, MAX_CONFIG_BYTES);
  if (json !== undefined) return { json, path };
  throw new KvrError(
    'BAD_CHECKPOINT',
    `${path} is missing; give a folder that a HuggingFace model was saved in`,
  );
}

const specialIdsSchema = z.object({ eos_token_id: tokenIdsSchema, bos_token_id: tokenIdsSchema });

/** What a generation says: an answer ends at any id that either file names; for BOS generation_config.json goes before config.json. */
async function readGeneration(
  folder: string,
  config: unknown,
): Promise<Pick<Checkpoint, 'eosIds' | 'bosId' | 'samplingDefaults' | 'maxNewTokens'>> {
  const path = join(folder, 'generation_config.json');
  const json = await readJsonFile(path, MAX_CONFIG_BYTES);
  const generation = checkJson(specialIdsSchema, json ?? {}, path);
  const samplingDefaults = readSamplingDefaults(json);
  const maxNewTokens = readMaxNewTokens(json);
  const general = checkJson(specialIdsSchema, config, join(folder, 'config.json'));
  return {
    eosIds: [...new Set([...(generation.eos_token_id ?? []), ...(general.eos_token_id ?? [])])],
    ...(samplingDefaults && { samplingDefaults }),
    ...(maxNewTokens !== undefined && { maxNewTokens }),
    bosId: (generation.bos_token_id ?? general.bos_token_id)?.[0],
  };
}
