/**
 * Reads small JSON files that others wrote: bounded in size, parsed once, checked by a schema.
 * Every complaint names the file, the key, the value and what would be right.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { z } from 'zod';
import { firstLine, KvrError } from '../../core/errors.js';
import { printable } from './printable.js';
import { isErrno } from '../cache/files/errno.js';

/** How much of a wrong value a message shows. */
const SHOWN_VALUE_CHARS = 60;
/** Configs and tokenizers nest a dozen levels; walks over thousands would end the program's stack. */
const MAX_DEPTH = 100;
/** JSON knows no such numbers, but Python's json module writes them. */
const NOT_A_JSON_NUMBER = /"([^"\n]{1,80})"\s*:\s*(-?(?:NaN|Infinity))\b/;

/** @returns the file's JSON, or undefined where there is no such file. @throws BAD_CHECKPOINT */
export async function readJsonFile(path: string, maxBytes: number): Promise<unknown> {
  const text = await readText(path, maxBytes);
  return text === undefined ? undefined : parseJson(text, path);
}

/** @throws BAD_CHECKPOINT naming the first key whose value the schema refuses */
export function checkJson<T>(schema: z.ZodType<T>, json: unknown, path: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = innermost(result.error.issues[0]);
  const key = issue?.path.map(String) ?? [];
  const value = shownValue(valueAt(json, key));
  throw new KvrError(
    'BAD_CHECKPOINT',
    `${path}: ${printable(key.join('.')) || 'the file'} is ${value}: ${firstLine(issue?.message ?? 'not as expected')}; correct ${basename(path)} or fetch it again`,
  );
}

type Issue = z.core.$ZodIssue;

/** Of a value that fits none of several forms, what the form that it comes nearest to says: the one whose complaint lies deepest. */
function innermost(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const candidates = issue.errors.flatMap((issues) => issues.slice(0, 1));
  const deepest = candidates.sort((a, b) => b.path.length - a.path.length)[0];
  return deepest ? innermost({ ...deepest, path: [...issue.path, ...deepest.path] }) : issue;
}

async function readText(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    const facts = await stat(path);
    if (!facts.isFile())
      throw new KvrError('BAD_CHECKPOINT', `${path} is not a file; put the file itself there`);
    if (facts.size > maxBytes) {
      throw new KvrError(
        'BAD_CHECKPOINT',
        `${path} has ${facts.size} bytes, the most is ${maxBytes}; fetch it again`,
      );
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof KvrError) throw error;
    if (isErrno(error, 'ENOENT')) return undefined;
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} can not be read: ${String(error)}; check its rights`,
      {},
      error,
    );
  }
}

function parseJson(text: string, path: string): unknown {
  checkDepth(text, path);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const [, key, value] = NOT_A_JSON_NUMBER.exec(text) ?? [];
    const what =
      key === undefined ? printable(String(error)) : `${printable(key)} is ${value}, which is no number`;
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} is not JSON: ${what}; correct it or fetch it again`,
      {},
      error,
    );
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

function checkDepth(text: string, path: string): void {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH && isText) at++;
    else if (code === QUOTE) isText = !isText;
    else if (isText) continue;
    else if (CLOSING.has(code)) depth--;
    else if (OPENING.has(code) && ++depth > MAX_DEPTH)
      throw new KvrError(
        'BAD_CHECKPOINT',
        `${path} nests lists and objects more than ${MAX_DEPTH} deep, the most that is read; fetch it again`,
      );
  }
}

function valueAt(json: unknown, path: readonly string[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function shownValue(value: unknown): string {
  if (value === undefined) return 'missing';
  // Strings keep their quotes; JSON.stringify turns infinities into null.
  const shown: unknown = Array.isArray(value) ? value.slice(0, SHOWN_VALUE_CHARS) : value;
  const text = typeof shown === 'number' ? String(shown) : JSON.stringify(shown);
  return text.length > SHOWN_VALUE_CHARS ? `${text.slice(0, SHOWN_VALUE_CHARS)}…` : text;
}
