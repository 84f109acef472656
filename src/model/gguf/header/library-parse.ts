/**
 * Has @huggingface/gguf parse a head that was checked before: it gets these bytes and nothing else, through the function
 * by which it would fetch them from a server.
 */
import type { GGUFParseOutput, GGUFTypedMetadata } from '@huggingface/gguf';
import { broken } from './broken.js';
import type { ScannedHead, Span } from './head-scan.js';

/** Never asked for: it only has to look like a place that files are fetched from. */
const PLACE = 'http://localhost/head.gguf';
/** What the library fetches at once. */
const FETCH_BYTES = 2_000_000;

export type ParsedHead = Pick<GGUFParseOutput, 'tensorInfos'> & { readonly metadata: GGUFTypedMetadata };

/** @param head exactly the bytes that were scanned. @throws BAD_CHECKPOINT where the library refuses them */
export async function parseHead(head: Uint8Array, scanned: ScannedHead, path: string): Promise<ParsedHead> {
  // Loaded where it is needed: it takes a tenth of a second, which starts without a GGUF file do not pay.
  const { gguf } = await import('@huggingface/gguf');
  const fetch: typeof globalThis.fetch = (_place, init) => Promise.resolve(answer(head, init));
  try {
    const { typedMetadata, tensorInfos } = await gguf(PLACE, { fetch, typedMetadata: true });
    mendLastTexts(typedMetadata, head, scanned.lastTexts);
    return { metadata: typedMetadata, tensorInfos };
  } catch (error) {
    throw broken(path, `its head can not be parsed: ${String(error).slice(0, 200)}`, error);
  }
}

function answer(head: Uint8Array, init: RequestInit | undefined): Response {
  const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '') ?? [];
  return new Response(head.slice(Number(start), Number(last) + 1), { status: 206 });
}

/** The library (0.4) cuts a text off where what it has fetched so far ends, if nothing of the value follows. */
function mendLastTexts(
  metadata: GGUFTypedMetadata,
  head: Uint8Array,
  lastTexts: ReadonlyMap<string, Span>,
): void {
  const values = metadata as Record<string, { value: unknown }>;
  for (const [key, { start, end }] of lastTexts) {
    const entry = values[key];
    if (entry === undefined || Math.floor(start / FETCH_BYTES) === Math.floor(end / FETCH_BYTES)) continue;
    const text = new TextDecoder().decode(head.subarray(start, end));
    if (Array.isArray(entry.value)) entry.value[entry.value.length - 1] = text;
    else entry.value = text;
  }
}
