/**
 * `kvr inspect --quality`: what element types cost in quality on the user's own text, as a table.
 */
import type { Checkpoint } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { DTYPES, KV_DTYPES, type KvDtype } from '../../core/shape.js';
import type { AskedDtype } from '../../engine/options/options.js';
import {
  formLabel,
  measureQuality,
  type ModelForm,
  type QualityReport,
} from '../../evaluation/quality/index.js';
import { cut, formatBytes, formatCount } from '../terminal/format.js';
import { readTextFile } from '../run/prompt-source.js';
import type { Progress } from '../terminal/progress.js';
import type { Output } from '../terminal/shell.js';

/** Window length unless --context is given: long enough for the errors of any dtype to add up. */
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

/**
 * What is compared with f32. Without flags: every dtype with f32 keys and values, and f32 with rounded ones, so that each row
 * shows the cost of one choice.
 */
export function formsOf(asked: AskedDtype | undefined, kvDtype: KvDtype | undefined): ModelForm[] {
  const dtype = asked === 'auto' ? undefined : asked;
  const forms = (dtype ? [dtype] : DTYPES).map((each) => ({ dtype: each, kvDtype: kvDtype ?? 'f32' }));
  const rounded = KV_DTYPES.filter((each) => each !== 'f32').map(
    (each) => ({ dtype: 'f32', kvDtype: each }) as const,
  );
  return dtype || kvDtype ? forms : [...rounded, ...forms];
}

/** @param forms set beside f32. @throws as measureQuality */
export function runQuality(
  checkpoint: Checkpoint,
  text: string,
  {
    context,
    forms,
    cacheFolder,
  }: { context: number | undefined; forms: readonly ModelForm[]; cacheFolder: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<QualityReport> {
  return measureQuality(checkpoint, {
    text,
    windowTokens: Math.min(context ?? DEFAULT_WINDOW_TOKENS, checkpoint.shape.contextTokens),
    forms,
    cacheFolder,
    signal,
    onProgress: (what, fraction) => progress.update(what, fraction),
  }).finally(() => progress.clear());
}

/** Of the longest label. */
const LABEL_CHARS = 'w8a8, KV f16'.length + 1;
const HEADINGS = ['perplexity', 'change', 'divergence', 'same token', 'weights'];

export function qualityLines(report: QualityReport, { columns }: Output): string[] {
  const { predictedTokens, windowTokens, dtypes } = report;
  const cell = (text: string): string => text.padStart(12);
  const rows = dtypes.map(
    ({ perplexity, perplexityChange, meanDivergence, sameTokenShare, weightBytes, ...form }) =>
      [
        formLabel(form).padEnd(LABEL_CHARS),
        cell(perplexity.toPrecision(5)),
        cell(`${perplexityChange < 0 ? '' : '+'}${(100 * perplexityChange).toFixed(2)} %`),
        cell(meanDivergence.toPrecision(3)),
        cell(`${(100 * sameTokenShare).toFixed(2)} %`),
        cell(formatBytes(weightBytes)),
      ].join(''),
  );
  return [
    `quality against f32 on ${formatCount(predictedTokens)} predicted tokens, windows of ${formatCount(windowTokens)} (measured)`,
    `${' '.repeat(LABEL_CHARS)}${HEADINGS.map(cell).join('')}`,
    ...rows,
  ].map((line) => cut(line, columns));
}
