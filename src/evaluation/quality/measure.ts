/**
 * What element types cost in quality: every form of the model reads the same text, and its predictions are compared with
 * the text and with those of f32. One model is open at a time. Called by `kvr inspect --quality`.
 */
import type { Checkpoint } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { Dtype, KvDtype } from '../../core/shape.js';
import type { BackendModel } from '../../runtime/backend/backend.js';
import { openModel } from '../../runtime/open-model.js';
import { compileWithProgress, openTokenizer } from '../../engine/load/load.js';
import type { EngineHooks } from '../../engine/options/options.js';
import { defaultThreads } from '../../engine/options/defaults.js';
import { addRow, noSums, type Sums } from './distance.js';
import { LogitsFile } from './logits-file.js';
import { windowLogits } from './window-logits.js';
import { windowsOf } from './windows.js';

/** Enough for figures that stand still, an evening's work for a large model; of a longer text the beginning is read. */
const MAX_QUALITY_TOKENS = 65_536;

/** Element types that the model is read with. */
export type ModelForm = {
  readonly dtype: Dtype;
  /** Of keys and values. */
  readonly kvDtype: KvDtype;
};
const REFERENCE: ModelForm = { dtype: 'f32', kvDtype: 'f32' };

export type FormQuality = ModelForm & {
  /** exp of the mean surprise a token. */
  readonly perplexity: number;
  /** Over that of the reference, f32 with f32 keys and values, less 1. */
  readonly perplexityChange: number;
  /** Of the reference's distribution from this one, nats a token. */
  readonly meanDivergence: number;
  /** Share of places where the likeliest token is the reference's. */
  readonly sameTokenShare: number;
  /** Of the compiled model's files. */
  readonly weightBytes: number;
};

/** "f32", and "f32, KV f16" where keys and values have not the usual type. */
export function formLabel({ dtype, kvDtype }: ModelForm): string {
  return kvDtype === 'f32' ? dtype : `${dtype}, KV ${kvDtype}`;
}

export type QualityReport = {
  readonly label: 'measured';
  readonly textTokens: number;
  /** Fewer than the text's where it is longer than MAX_QUALITY_TOKENS, and but for the first of each window. */
  readonly predictedTokens: number;
  readonly windowTokens: number;
  /** The reference first. */
  readonly dtypes: readonly FormQuality[];
};

export type QualityOptions = EngineHooks & {
  readonly text: string;
  readonly windowTokens: number;
  /** Beside the reference, which is always measured. */
  readonly forms: readonly ModelForm[];
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
    const passes: FormPass[] = [];
    for (const form of [REFERENCE, ...options.forms.filter((each) => !isReference(each))]) {
      passes.push(await passOver(checkpoint, form, windows, file, options));
    }
    return reportOf(passes, ids.length, options.windowTokens);
  } finally {
    await file.close();
  }
}

function isReference({ dtype, kvDtype }: ModelForm): boolean {
  return dtype === REFERENCE.dtype && kvDtype === REFERENCE.kvDtype;
}

type FormPass = { readonly form: ModelForm; readonly sums: Sums; readonly weightBytes: number };

/** Compiles and opens one form and reads all windows with it; the reference's logits go to the file, others' are compared. */
async function passOver(
  checkpoint: Checkpoint,
  form: ModelForm,
  windows: readonly Int32Array[],
  file: LogitsFile,
  options: QualityOptions,
): Promise<FormPass> {
  const folder = await compileWithProgress(checkpoint, form.dtype, options.cacheFolder, options, true);
  const model = await openModel('cpu', folder, { threads: defaultThreads(1) });
  const sums = noSums();
  file.rewind();
  try {
    for (const [index, window] of windows.entries()) {
      options.onProgress?.(`reading the text with ${formLabel(form)}`, index / windows.length);
      await addWindow(sums, { model, form, file, signal: options.signal }, window);
    }
    return { form, sums, weightBytes: model.weightBytes };
  } finally {
    await model.close();
  }
}

type Reader = {
  readonly model: BackendModel;
  readonly form: ModelForm;
  readonly file: LogitsFile;
  readonly signal: AbortSignal | undefined;
};

async function addWindow(
  sums: Sums,
  { model, form, file, signal }: Reader,
  window: Int32Array,
): Promise<void> {
  const { vocabulary } = model.shape;
  const checkStop = (): void => {
    if (signal?.aborted) throw new KvrError('CANCELLED', 'interrupted while measuring quality');
  };
  for await (const { start, logits } of windowLogits(model, window, form.kvDtype, checkStop)) {
    if (isReference(form)) await file.append(logits);
    const reference = isReference(form) ? logits : await file.next(logits.length);
    for (let row = 0; row * vocabulary < logits.length; row++) {
      const next = window[start + row + 1];
      if (next === undefined) continue;
      const [from, to] = [row * vocabulary, (row + 1) * vocabulary];
      addRow(sums, reference.subarray(from, to), logits.subarray(from, to), next);
    }
  }
}

function reportOf(passes: readonly FormPass[], textTokens: number, windowTokens: number): QualityReport {
  const reference = (passes[0] as FormPass).sums;
  const dtypes = passes.map(({ form, sums, weightBytes }): FormQuality => {
    const { tokens, surprise, divergence, sameTokens } = sums;
    return {
      ...form,
      perplexity: Math.exp(surprise / tokens),
      perplexityChange: Math.exp((surprise - reference.surprise) / tokens) - 1,
      meanDivergence: divergence / tokens,
      sameTokenShare: sameTokens / tokens,
      weightBytes,
    };
  });
  return { label: 'measured', textTokens, predictedTokens: reference.tokens, windowTokens, dtypes };
}
