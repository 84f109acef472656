/**
 * Where a later prompt that begins alike can go on from a request whose layers with a window keep only a window's rows: at
 * the end of the prompt, and at the end of every block. At each of these positions the rows that the next one sees are kept
 * apart, as part of the prefix cache. Layers without a window keep all rows, and go on anywhere. Pure.
 */
import { firstSeen, MASKED_ROWS, windowRows } from '../kv-rows.js';
import type { AttentionSpec } from '../layers/layer-spec.js';
import { type Slice, sliceTokens } from '../partition.js';
import { type KvDtype, kvRowBytes, layerSpecs, type ModelShape } from '../shape.js';

/** Tokens of a block: so many of the widest window, so that what is kept apart is a quarter of the rows, and a few at least. */
const BLOCK_WINDOWS = 4;
const LEAST_BLOCK_TOKENS = 512;
/** Prompts often differ in their last words, or go on one token before the end: a point serves for so many tokens before it. */
const SLACK_TOKENS = 64;

/** Rows that are kept apart: those that prompts need to go on from some positions, or all. */
export type KeptApart = readonly number[] | 'all';

type Span = { readonly start: number; readonly end: number };

/**
 * Positions at which rows are kept apart, ascending: none where every layer keeps all rows anyway.
 * @param prompt where the slice begins that the last rank computes, and where the prompt ends
 * @param capacity where the cache's rows end
 */
export function resumePoints(shape: ModelShape, prompt: Span, capacity: number): number[] {
  const windows = layerSpecs(shape)
    .filter(({ attention }) => slides(attention, { start: prompt.start, end: capacity }))
    .map(({ attention }) => attention.windowTokens ?? 0);
  if (windows.length === 0) return [];
  const block = Math.max(LEAST_BLOCK_TOKENS, BLOCK_WINDOWS * Math.max(...windows));
  const points = [prompt.end];
  const last = Math.ceil(prompt.end / block) - 1;
  for (let end = last * block; end > prompt.start; end -= block) points.unshift(end);
  return points;
}

/** The first row that is kept apart for a position: what it sees, and what those a little before it see. */
function firstForResume(attention: Pick<AttentionSpec, 'windowTokens'>, point: number): number {
  return firstSeen(attention, Math.max(0, point - SLACK_TOKENS));
}

/** Rows of a layer [from, end) that are kept apart, each run by itself. @param span as in apartBytes */
export function runsApart(
  attention: Pick<AttentionSpec, 'windowTokens'>,
  span: Span,
  apart: KeptApart,
): Slice[] {
  if (!slides(attention, span)) return [];
  const least = firstSeen(attention, span.start);
  if (apart === 'all') return [{ start: least, end: span.end }];
  return apart.map((end) => ({ start: Math.max(least, firstForResume(attention, end)), end }));
}

/** Bytes of all rows that are kept apart. @param span the rows of the cache: where its slice begins, and its end */
export function apartBytes(shape: ModelShape, kvDtype: KvDtype, span: Span, apart: KeptApart): number {
  const runs = layerSpecs(shape).flatMap(({ attention }) => runsApart(attention, span, apart));
  return kvRowBytes(shape, kvDtype) * runs.reduce((sum, run) => sum + sliceTokens(run), 0);
}

/** True where more rows come than a cache of windows keeps of the layer. */
export function slides(attention: Pick<AttentionSpec, 'windowTokens'>, { start, end }: Span): boolean {
  if (attention.windowTokens === undefined) return false;
  const { kept, fresh } = windowRows(attention.windowTokens);
  return end - Math.max(0, firstSeen(attention, start) - MASKED_ROWS) > kept + fresh;
}
