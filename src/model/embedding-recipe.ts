/**
 * What a folder of sentence-transformers says beside the weights: modules.json lists what follows the model, and a folder for
 * each of them has its config. Read where it is present; a folder without says nothing.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { EmbeddingRecipe } from '../core/checkpoint.js';
import type { Pooling } from '../core/request.js';
import { checkJson, readJsonFile } from './checkpoint/json-file.js';
import { printable } from './checkpoint/printable.js';

const MODULES = 'modules.json';
/** Where such folders have it; it is read without a modules.json, too. */
const POOLING_FOLDER = '1_Pooling';
/** Both files have a few hundred bytes. */
const MAX_BYTES = 100_000;
/** A model has about three. */
const MAX_MODULES = 32;

/** The folder of a module: no way out of the checkpoint. */
const path = z.string().regex(/^[\w-]{0,64}$/, 'not the name of a folder of the checkpoint');
const modulesSchema = z.array(z.object({ type: z.string().max(256), path })).max(MAX_MODULES);

/** Names of modules, which stand at the end of their Python classes' names. */
const KNOWN_MODULES = ['Transformer', 'Pooling', 'Normalize'];

/** What newer files call the ways of pooling, and the flags of older ones. */
const MODES: Readonly<Record<string, Pooling>> = { lasttoken: 'last', mean: 'mean' };
const FLAGS: Readonly<Record<string, Pooling>> = {
  pooling_mode_lasttoken: 'last',
  pooling_mode_mean_tokens: 'mean',
};
const poolingSchema = z.looseObject({
  pooling_mode: z.union([z.string().max(100), z.array(z.string().max(100)).max(10)]).nullish(),
});

/** @returns undefined for a folder that says nothing of embeddings. @throws BAD_CHECKPOINT */
export async function readEmbeddingRecipe(folder: string): Promise<EmbeddingRecipe | undefined> {
  const modules = await readModules(folder);
  const names = modules?.map(({ type }) => type.split('.').at(-1) ?? '');
  const unknown = names?.find((name) => !KNOWN_MODULES.includes(name));
  if (unknown !== undefined) return unsupported(`${MODULES} lists the module ${printable(unknown)}`);
  const place = modules?.[names?.indexOf('Pooling') ?? -1]?.path ?? POOLING_FOLDER;
  const file = join(folder, place, 'config.json');
  const json = await readJsonFile(file, MAX_BYTES);
  if (json === undefined) return undefined;
  const asked = modesOf(checkJson(poolingSchema, json, file));
  const pooling = asked.length === 1 ? poolingOf(asked[0] ?? '') : undefined;
  if (pooling === undefined) return unsupported(`its pooling is ${printable(asked.join(' and ')) || 'none'}`);
  return { kind: 'pooled', pooling, isNormalized: names?.includes('Normalize') ?? true };
}

async function readModules(folder: string): Promise<z.infer<typeof modulesSchema> | undefined> {
  const file = join(folder, MODULES);
  const json = await readJsonFile(file, MAX_BYTES);
  return json === undefined ? undefined : checkJson(modulesSchema, json, file);
}

/** The ways of pooling that are turned on; several are put side by side, which is not done here. */
function modesOf(config: z.infer<typeof poolingSchema>): string[] {
  const { pooling_mode: mode } = config;
  if (mode != null) return typeof mode === 'string' ? [mode] : mode;
  return Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true);
}

function poolingOf(mode: string): Pooling | undefined {
  const table = Object.hasOwn(FLAGS, mode) ? FLAGS : MODES;
  return Object.hasOwn(table, mode) ? table[mode] : undefined;
}

function unsupported(reason: string): EmbeddingRecipe {
  return { kind: 'unsupported', reason };
}
