/**
 * `kvr inspect --quality`: what each dtype costs in quality on the user's own text, as a table.
 */
import type { Checkpoint } from '../core/checkpoint.js';
import { KvrError } from '../core/errors.js';
import { type Dtype, DTYPES } from '../core/shape.js';
import { measureQuality, type QualityReport } from '../engine/quality/index.js';
import { cut, formatBytes, formatCount } from './format.js';
import { readTextFile } from './prompt-source.js';
import type { Progress } from './progress.js';
import type { Output } from './shell.js';

/** Tokens read in one go where --context does not say: enough context for any dtype's errors to add up. */
export const DEFAULT_WINDOW_TOKENS = 512;

/** @throws BAD_INPUT where the file is not a text of at least one character */
export async function readQualityText(path: string, signal: AbortSignal): Promise<string> {
  const text = await readTextFile('--quality', path, signal);
  if (text !== '') return text;
  throw new KvrError(
    'BAD_INPUT',
    `--quality ${path} is empty (0 characters); give a text of at least a few lines`,
  );
}

/** @param only the one dtype that is set beside f32; all unless given. @throws as measureQuality */
export function runQuality(
  checkpoint: Checkpoint,
  text: string,
  {
    context,
    only,
    cacheFolder,
  }: { context: number | undefined; only: Dtype | undefined; cacheFolder: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<QualityReport> {
  return measureQuality(checkpoint, {
    text,
    windowTokens: Math.min(context ?? DEFAULT_WINDOW_TOKENS, checkpoint.shape.contextTokens),
    dtypes: only ? [only] : DTYPES,
    cacheFolder,
    signal,
    onProgress: (what, fraction) => progress.update(what, fraction),
  }).finally(() => progress.clear());
}

const HEADINGS = ['perplexity', 'change', 'divergence', 'same token', 'weights'];

export function qualityLines(report: QualityReport, { columns }: Output): string[] {
  const { predictedTokens, windowTokens, dtypes } = report;
  const cell = (text: string): string => text.padStart(12);
  const rows = dtypes.map(
    ({ dtype, perplexity, perplexityChange, meanDivergence, sameTokenShare, weightBytes }) =>
      [
        dtype.padEnd(8),
        cell(perplexity.toPrecision(5)),
        cell(`${perplexityChange < 0 ? '' : '+'}${(100 * perplexityChange).toFixed(2)} %`),
        cell(meanDivergence.toPrecision(3)),
        cell(`${(100 * sameTokenShare).toFixed(2)} %`),
        cell(formatBytes(weightBytes)),
      ].join(''),
  );
  return [
    `quality against f32 on ${formatCount(predictedTokens)} predicted tokens, windows of ${formatCount(windowTokens)} (measured)`,
    `        ${HEADINGS.map(cell).join('')}`,
    ...rows,
  ].map((line) => cut(line, columns));
}
