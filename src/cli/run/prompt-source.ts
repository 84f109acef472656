/**
 * Where a prompt comes from: the argument, a file, token ids, or what is piped in. Exactly one of them.
 */
import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { KvrError } from '../../core/errors.js';
import { compileGrammar } from '../../grammar/grammar.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import { MAX_TEXT_CHARS } from '../../tokenizer/index.js';
import { shown } from '../terminal/numbers.js';
import type { Shell } from '../terminal/shell.js';
import { decodeUtf8 } from '../terminal/utf8.js';

type JsonSchema = NonNullable<GenerateRequest['jsonSchema']>;

/** A character has at most 4 bytes; more than this can be no prompt. */
const MAX_PROMPT_BYTES = 4 * MAX_TEXT_CHARS;

export type PromptFlags = { readonly promptFile?: string; readonly promptIds?: number[] };
export type Prompt = { readonly prompt: string } | { readonly promptIds: number[] };

/** @throws BAD_INPUT */
export function parseIds(text: string): number[] {
  if (/^\d{1,10}(,\d{1,10})*$/.test(text)) return text.split(',').map(Number);
  throw new KvrError(
    'BAD_INPUT',
    `--prompt-ids ${shown(text)} is no list of token ids; give whole numbers of at least 0, as in 1,403,407`,
  );
}

/** @throws BAD_INPUT where there is not exactly one source, or it is empty, too large or not UTF-8 */
export async function readPrompt(
  argument: string | undefined,
  flags: PromptFlags,
  shell: Shell,
): Promise<Prompt> {
  const { promptFile, promptIds } = flags;
  const given = [
    argument !== undefined && 'an argument',
    promptFile !== undefined && '--prompt-file',
    promptIds !== undefined && '--prompt-ids',
  ].filter((name) => name !== false);
  if (given.length > 1)
    throw bad(`the prompt is given ${given.length} times (${given.join(' and ')}); give it once`);
  if (promptIds !== undefined) return { promptIds };
  if (argument !== undefined) return notEmpty(argument, 'the prompt');
  if (promptFile !== undefined)
    return notEmpty(await readTextFile('--prompt-file', promptFile, shell.signal), promptFile);
  if (shell.input.isTTY === true) {
    throw bad(
      'no prompt; give it as an argument, with --prompt-file FILE or --prompt-ids IDS, or pipe it in',
    );
  }
  return notEmpty(await readText(shell.input, 'standard input', shell.signal), 'standard input');
}

function notEmpty(prompt: string, name: string): Prompt {
  if (prompt === '') throw bad(`${name} is empty (0 characters); give at least one character`);
  return { prompt };
}

/** @param flag that named the file, for the message. @throws BAD_INPUT, CANCELLED */
export async function readTextFile(flag: string, path: string, signal: AbortSignal): Promise<string> {
  try {
    return await readText(createReadStream(path), path, signal);
  } catch (error) {
    if (error instanceof KvrError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw bad(`${flag} ${shown(path)} can not be read (${reason}); give a text file`, error);
  }
}

/** A JSON schema from a file, as an option of a request. @throws BAD_INPUT, CANCELLED */
export async function readSchema(path: string, { signal }: Shell): Promise<{ jsonSchema: JsonSchema }> {
  const text = await readTextFile('--json-schema', path, signal);
  try {
    const schema = JSON.parse(text) as JsonSchema;
    compileGrammar({ type: 'json', schema });
    return { jsonSchema: schema };
  } catch (error) {
    if (error instanceof KvrError) throw bad(`--json-schema ${shown(path)}: ${error.message}`, error);
    throw bad(`--json-schema ${shown(path)} is not JSON; give a file with one JSON schema`, error);
  }
}

/** Ctrl-C ends the wait for a pipe that stays silent. */
async function readText(stream: Readable, name: string, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_PROMPT_BYTES) throw tooLong(name);
      chunks.push(chunk);
    }
  } catch (error) {
    throw signal.aborted ? new KvrError('CANCELLED', `interrupted while reading ${name}`, {}, error) : error;
  }
  return decodeUtf8(Buffer.concat(chunks), name);
}

function tooLong(name: string): KvrError {
  return bad(`${name} has more than ${MAX_PROMPT_BYTES} bytes, the limit; shorten it`);
}

function bad(message: string, cause?: unknown): KvrError {
  return new KvrError('BAD_INPUT', message, {}, cause);
}
