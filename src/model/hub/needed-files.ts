/**
 * Which files of a listing are to be fetched. Only the index of weights in parts has to be read for it.
 */
import { KvrError } from '../../core/errors.js';
import { printable } from '../checkpoint/printable.js';
import {
  type GgufModel,
  ggufFiles,
  ggufModels,
  noWeights,
  shardNames,
  textFiles,
  WEIGHTS,
  WEIGHTS_INDEX,
} from './fetch-plan.js';
import type { HubFile } from './names/hub-file.js';
import type { HubName } from './names/names.js';

export type Needed =
  | { readonly kind: 'files'; readonly files: readonly HubFile[] }
  /** There are GGUF files only, and none was named. */
  | { readonly kind: 'choose'; readonly models: readonly GgufModel[] };

/** @param readIndex fetches the index of weights. @throws MODEL_NOT_FOUND, UNSUPPORTED_MODEL, BAD_CHECKPOINT */
export async function neededFiles(
  files: readonly HubFile[],
  { repo, file }: HubName,
  readIndex: (index: HubFile) => Promise<unknown>,
): Promise<Needed> {
  const texts = textFiles(files);
  // A GGUF file brings its own description and tokenizer.
  if (file !== undefined) return { kind: 'files', files: ggufFiles(files, file, repo) };
  const weights = files.find(({ path }) => path === WEIGHTS);
  if (weights) return { kind: 'files', files: [...texts, weights] };
  const index = files.find(({ path }) => path === WEIGHTS_INDEX);
  if (index) {
    const names = shardNames(await readIndex(index), `${WEIGHTS_INDEX} of ${repo}`);
    return { kind: 'files', files: [...texts, index, ...names.map((name) => listed(name, files, repo))] };
  }
  const models = ggufModels(files);
  if (models.length > 0) return { kind: 'choose', models };
  throw noWeights(files, repo);
}

function listed(name: string, files: readonly HubFile[], repo: string): HubFile {
  const file = files.find(({ path }) => path === name);
  if (file) return file;
  throw new KvrError(
    'BAD_CHECKPOINT',
    `${WEIGHTS_INDEX} of ${repo} names ${printable(name)}, which the repository does not have; choose another revision`,
  );
}
