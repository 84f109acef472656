/**
 * What a dtype costs in quality: every dtype reads the same text, and its predictions are compared with the text and
 * with those of f32. One model is open at a time. Called by `kvr inspect --quality`.
 */
import type { Checkpoint } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { Dtype } from '../../core/shape.js';
import { Model } from '../../runtime/model.js';
import { compileWithProgress, openTokenizer } from '../load.js';
import { defaultThreads, type EngineHooks } from '../options.js';
import { addRow, noSums, type Sums } from './distance.js';
import { LogitsFile } from './logits-file.js';
import { windowLogits } from './window-logits.js';
import { windowsOf } from './windows.js';

/** Enough for figures that stand still, an evening's work for a large model; of a longer text the beginning is read. */
export const MAX_QUALITY_TOKENS = 65_536;
const REFERENCE: Dtype = 'f32';

export type DtypeQuality = {
  readonly dtype: Dtype;
  /** exp of the mean surprise a token. */
  readonly perplexity: number;
  /** Over that of f32, less 1. */
  readonly perplexityChange: number;
  /** Of f32's distribution from this one, nats a token. */
  readonly meanDivergence: number;
  /** Share of places where the likeliest token is f32's. */
  readonly sameTokenShare: number;
  /** Of the compiled model's files. */
  readonly weightBytes: number;
};

export type QualityReport = {
  readonly label: 'measured';
  readonly textTokens: number;
  /** Fewer than the text's where it is longer than MAX_QUALITY_TOKENS, and but for the first of each window. */
  readonly predictedTokens: number;
  readonly windowTokens: number;
  readonly dtypes: readonly DtypeQuality[];
};

export type QualityOptions = EngineHooks & {
  readonly text: string;
  readonly windowTokens: number;
  /** Beside f32, which is always measured. */
  readonly dtypes: readonly Dtype[];
  readonly cacheFolder: string;
};

/** @throws BAD_INPUT for a text of one token, CANCELLED, DISK_FULL, and as compileModel */
export async function measureQuality(
  checkpoint: Checkpoint,
  options: QualityOptions,
): Promise<QualityReport> {
  const tokenizer = await openTokenizer(checkpoint);
  const ids = tokenizer.encode(options.text);
  const read = ids.slice(0, MAX_QUALITY_TOKENS);
  const windows = windowsOf(read, checkpoint.bosId, options.windowTokens);
  if (windows.length === 0) {
    throw new KvrError(
      'BAD_INPUT',
      `the text has ${ids.length} tokens, of which none can be predicted; give a longer one`,
    );
  }
  const file = await LogitsFile.create(options.cacheFolder);
  try {
    const passes: DtypePass[] = [];
    for (const dtype of [REFERENCE, ...options.dtypes.filter((each) => each !== REFERENCE)]) {
      passes.push(await passOver(checkpoint, dtype, windows, file, options));
    }
    return reportOf(passes, ids.length, options.windowTokens);
  } finally {
    await file.close();
  }
}

type DtypePass = { readonly dtype: Dtype; readonly sums: Sums; readonly weightBytes: number };

/** Compiles and opens one dtype and reads all windows with it; the reference's logits go to the file, others' are compared. */
async function passOver(
  checkpoint: Checkpoint,
  dtype: Dtype,
  windows: readonly Int32Array[],
  file: LogitsFile,
  options: QualityOptions,
): Promise<DtypePass> {
  const folder = await compileWithProgress(checkpoint, dtype, options.cacheFolder, options);
  const model = await Model.open(folder, defaultThreads(1));
  const sums = noSums();
  file.rewind();
  try {
    for (const [index, window] of windows.entries()) {
      options.onProgress?.(`reading the text with ${dtype}`, index / windows.length);
      await addWindow(sums, model, window, file, dtype === REFERENCE, options.signal);
    }
    return { dtype, sums, weightBytes: model.manifest.weightBytes };
  } finally {
    await model.close();
  }
}

async function addWindow(
  sums: Sums,
  model: Model,
  window: Int32Array,
  file: LogitsFile,
  isReference: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { vocabulary } = model.shape;
  const checkStop = (): void => {
    if (signal?.aborted) throw new KvrError('CANCELLED', 'interrupted while measuring quality');
  };
  for await (const { start, logits } of windowLogits(model, window, checkStop)) {
    if (isReference) await file.append(logits);
    const reference = isReference ? logits : await file.next(logits.length);
    for (let row = 0; row * vocabulary < logits.length; row++) {
      const next = window[start + row + 1];
      if (next === undefined) continue;
      const [from, to] = [row * vocabulary, (row + 1) * vocabulary];
      addRow(sums, reference.subarray(from, to), logits.subarray(from, to), next);
    }
  }
}

function reportOf(passes: readonly DtypePass[], textTokens: number, windowTokens: number): QualityReport {
  const reference = (passes[0] as DtypePass).sums;
  const dtypes = passes.map(({ dtype, sums, weightBytes }): DtypeQuality => {
    const { tokens, surprise, divergence, sameTokens } = sums;
    return {
      dtype,
      perplexity: Math.exp(surprise / tokens),
      perplexityChange: Math.exp((surprise - reference.surprise) / tokens) - 1,
      meanDivergence: divergence / tokens,
      sameTokenShare: sameTokens / tokens,
      weightBytes,
    };
  });
  return { label: 'measured', textTokens, predictedTokens: reference.tokens, windowTokens, dtypes };
}
