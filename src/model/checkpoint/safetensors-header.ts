/**
 * Parses the header of a safetensors file, which is treated as hostile: every name, shape and range is
 * checked before a byte of a tensor is read. Pure; called by safetensors-file.
 * Source: the format's description, github.com/huggingface/safetensors.
 */
import { z } from 'zod';
import { firstLine, KvrError } from '../../core/errors.js';
import { printable } from './printable.js';
import { elementBytes } from './element-types.js';

/**
 * The format allows 100 MB, of which parsing would make 5.4 GB (measured). A line of some 100 bytes for each tensor makes
 * less than 2 MB of the largest checkpoints, and they are in several files.
 */
export const MAX_HEADER_BYTES = 8_000_000;
/** Weights have one or two dimensions; the rest is room for buffers that we do not read. */
const MAX_DIMENSIONS = 16;

/** Where a tensor lies; offsets are from the beginning of the file. */
export type TensorEntry = {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly startByte: number;
  readonly endByte: number;
};

const wholeNumber = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const entrySchema = z.object({
  dtype: z.string().min(1).max(32),
  shape: z.array(wholeNumber).max(MAX_DIMENSIONS),
  data_offsets: z.tuple([wholeNumber, wholeNumber]),
});

/**
 * @param header the JSON, without the 8 bytes of its length
 * @param fileBytes real size of the file; `path` names it in messages
 * @throws BAD_CHECKPOINT where the tensors do not fill the file exactly, one after the other
 */
export function parseHeader(header: Uint8Array, fileBytes: number, path: string): Map<string, TensorEntry> {
  const dataStart = 8 + header.length;
  const entries = new Map<string, TensorEntry>();
  for (const [name, json] of Object.entries(parseObject(header, path))) {
    if (name !== '__metadata__') entries.set(name, parseEntry(name, json, dataStart, path));
  }
  checkCoverage([...entries.values()], dataStart, fileBytes, path);
  return entries;
}

function parseObject(header: Uint8Array, path: string): object {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (error) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path}: the header is not JSON: ${printable(String(error))}; fetch it again`,
      {},
      error,
    );
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new KvrError('BAD_CHECKPOINT', `${path}: the header is no JSON object; fetch the file again`);
}

function parseEntry(name: string, json: unknown, dataStart: number, path: string): TensorEntry {
  const parsed = entrySchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw broken(
      path,
      name,
      `${issue?.path.join('.') || 'its entry'}: ${firstLine(issue?.message ?? 'not as expected')}`,
    );
  }
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  checkSize(name, dtype, shape, offsets, path);
  return { name, type: dtype, shape, startByte: dataStart + offsets[0], endByte: dataStart + offsets[1] };
}

function checkSize(
  name: string,
  type: string,
  shape: readonly number[],
  [start, end]: readonly [number, number],
  path: string,
): void {
  if (end < start) throw broken(path, name, `data_offsets [${start}, ${end}] end before they start`);
  const size = elementBytes(type);
  // Types that we do not know are refused when somebody wants to read them.
  if (size === undefined) return;
  const bytes = shape.reduce((product, length) => product * length, size);
  if (bytes !== end - start) {
    throw broken(
      path,
      name,
      `[${shape.join(', ')}] ${printable(type)} has ${bytes} bytes, data_offsets give ${end - start}`,
    );
  }
}

function checkCoverage(entries: TensorEntry[], dataStart: number, fileBytes: number, path: string): void {
  entries.sort((a, b) => a.startByte - b.startByte || a.endByte - b.endByte);
  const claimed = entries.reduce((end, entry) => Math.max(end, entry.endByte), dataStart);
  if (claimed > fileBytes) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} is cut off: its header claims ${claimed} bytes, the file has ${fileBytes}; fetch it again`,
    );
  }
  let end = dataStart;
  for (const entry of entries) {
    if (entry.startByte < end)
      throw broken(path, entry.name, `it overlaps the tensor before it by ${end - entry.startByte} bytes`);
    if (entry.startByte > end)
      throw broken(path, entry.name, `${entry.startByte - end} bytes before it belong to no tensor`);
    end = entry.endByte;
  }
  if (end !== fileBytes) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} is too long: its header claims ${end} bytes, the file has ${fileBytes}; fetch it again`,
    );
  }
}

function broken(path: string, name: string, what: string): KvrError {
  return new KvrError(
    'BAD_CHECKPOINT',
    `${path}: tensor "${printable(name)}": ${what}; fetch the file again`,
  );
}
