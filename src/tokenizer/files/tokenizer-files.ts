/**
 * Reads a checkpoint folder's tokenizer files, each with a limit, and checks their form. Files are treated as
 * hostile. Knows nothing of what the parts mean. Called by tokenizer.ts.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { z } from 'zod';

import { firstLine, KvrError } from '../../core/errors.js';
import { excessOf } from './token-limits.js';
import { configSchema, specialNamesSchema, templateFileSchema, tokenizerSchema } from './tokenizer-json.js';
import type { ConfigJson, TokenizerJson } from './tokenizer-json.js';

/** All files of a folder that say how text becomes ids. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
] as const;

const MIB = 1024 * 1024;
/** Gemma 3's tokenizer.json, the largest in common use, has 33 MB. */
export const MAX_TOKENIZER_BYTES = 64 * MIB;
/** Gemma 3's tokenizer_config.json, which lists thousands of reserved tokens, has 1.2 MB. */
export const MAX_CONFIG_BYTES = 16 * MIB;
/** The longest templates in use have about 20 KB. */
const MAX_TEMPLATE_BYTES = MIB;

/** Messages never repeat more than this of what a file or a library said. */
const MAX_REASON_CHARS = 200;

/** Names of the special tokens, in the words templates use. */
export type SpecialNames = Readonly<
  Record<'bos_token' | 'eos_token' | 'unk_token' | 'pad_token', string | undefined>
>;

export type TokenizerFiles = {
  readonly folder: string;
  readonly tokenizer: TokenizerJson;
  readonly config: ConfigJson;
  readonly names: SpecialNames;
  /** Template source by name; the usual one is 'default'. */
  readonly templates: ReadonlyMap<string, string>;
};

/** @throws MODEL_NOT_FOUND where there is no such folder; BAD_CHECKPOINT where a file is missing, too large or broken. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  await requireFolder(folder);
  const path = join(folder, 'tokenizer.json');
  const tokenizer = await readJson(path, MAX_TOKENIZER_BYTES, tokenizerSchema);
  if (tokenizer === undefined) {
    throw broken(path, 'is missing', 'add it, or give the prompt as token ids');
  }
  const excess = excessOf(tokenizer);
  if (excess !== undefined)
    throw broken(path, excess, 'use another checkpoint, or give the prompt as token ids');
  const config =
    (await readJson(join(folder, 'tokenizer_config.json'), MAX_CONFIG_BYTES, configSchema)) ??
    configSchema.parse({});
  const map = await readJson(join(folder, 'special_tokens_map.json'), MAX_CONFIG_BYTES, specialNamesSchema);
  return {
    folder,
    tokenizer,
    config,
    names: namesOf(config, map),
    templates: await templatesOf(folder, config),
  };
}

/** A BAD_CHECKPOINT about one file. */
export function broken(path: string, fault: string, remedy: string, cause?: unknown): KvrError {
  return new KvrError('BAD_CHECKPOINT', `${path} ${fault}; ${remedy}`, { path }, cause);
}

/** What an error of a library or schema says, cut to one short line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return firstLine(text).slice(0, MAX_REASON_CHARS);
}

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new KvrError('MODEL_NOT_FOUND', `there is no folder ${folder}; give a folder with tokenizer.json`);
  }
}

function namesOf(config: ConfigJson, map: z.infer<typeof specialNamesSchema> | undefined): SpecialNames {
  return {
    bos_token: config.bos_token ?? map?.bos_token,
    eos_token: config.eos_token ?? map?.eos_token,
    unk_token: config.unk_token ?? map?.unk_token,
    pad_token: config.pad_token ?? map?.pad_token,
  };
}

/** More than any model has. */
const MAX_MORE_TEMPLATES = 32;

/**
 * chat_template.jinja goes before chat_template.json, and that before the config's; templates with names of their own lie in a
 * folder beside the first.
 */
async function templatesOf(folder: string, config: ConfigJson): Promise<Map<string, string>> {
  const own = await readText(join(folder, 'chat_template.jinja'), MAX_TEMPLATE_BYTES);
  const beside = await readJson(join(folder, 'chat_template.json'), MAX_CONFIG_BYTES, templateFileSchema);
  const source = own ?? beside?.chat_template ?? config.chat_template ?? [];
  const named: [string, string][] =
    typeof source === 'string' ? [['default', source]] : source.map(({ name, template }) => [name, template]);
  return new Map([...named, ...(await moreTemplates(join(folder, 'additional_chat_templates')))]);
}

async function moreTemplates(folder: string): Promise<[string, string][]> {
  const names = await readdir(folder).catch((): string[] => []);
  const files = names
    .filter((name) => name.endsWith('.jinja'))
    .sort()
    .slice(0, MAX_MORE_TEMPLATES);
  const read = files.map(async (name): Promise<[string, string]> => {
    const text = await readText(join(folder, name), MAX_TEMPLATE_BYTES);
    return [name.slice(0, -'.jinja'.length), text ?? ''];
  });
  return Promise.all(read);
}

async function readJson<T>(path: string, maxBytes: number, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(path, maxBytes);
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(path, text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw broken(
    path,
    `has a bad value at "${where}": ${reasonOf(issue?.message)}`,
    'fetch the checkpoint again',
  );
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw broken(path, 'is not JSON', 'fetch the checkpoint again', error);
  }
}

/** The file's text, or undefined where there is none. */
async function readText(path: string, maxBytes: number): Promise<string | undefined> {
  const found = await stat(path).catch((error: unknown) => absent(path, error));
  if (found === undefined) return undefined;
  if (!found.isFile()) throw broken(path, 'is not a regular file', 'fetch the checkpoint again');
  if (found.size > maxBytes) {
    throw broken(
      path,
      `has ${found.size} bytes, more than the ${maxBytes} allowed`,
      'check that it is the right file',
    );
  }
  return decodeUtf8(path, await readFile(path));
}

function absent(path: string, error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw broken(path, `can not be read: ${reasonOf(error)}`, 'check its permissions', error);
}

function decodeUtf8(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw broken(path, 'is not UTF-8', 'fetch the checkpoint again', error);
  }
}
