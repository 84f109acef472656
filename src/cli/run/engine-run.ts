/**
 * Loads an engine for a command and closes it again, however the command ends; runs one request on it and shows its
 * progress.
 */
import { Engine } from '../../engine/engine.js';
import type { GenerationResult } from '../../engine/output/generation.js';
import type { EngineOptions } from '../../engine/options/options.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import type { CompileFacts } from '../../model/compile.js';
import type { CompileForecast } from '../../model/compile-forecast.js';
import { KvrError } from '../../core/errors.js';
import { usableCacheFolder } from './cache-check.js';
import { formatBytes, formatMs, oneLine } from '../terminal/format.js';
import { Progress } from '../terminal/progress.js';
import type { Run } from './report.js';
import type { Shell } from '../terminal/shell.js';

export type RunContext = { readonly shell: Shell; readonly progress: Progress; readonly isQuiet: boolean };

export function runContext(shell: Shell, flags: { readonly quiet?: true }): RunContext {
  const isQuiet = flags.quiet === true;
  return { shell, progress: new Progress(shell.stderr, isQuiet), isQuiet };
}

/** @throws what loading, the work and closing throw */
export async function withEngine<T>(
  options: EngineOptions,
  context: RunContext,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const { shell, progress } = context;
  await usableCacheFolder(options.cacheDir);
  const onProgress = (what: string, fraction: number): void => progress.update(what, fraction);
  const onChoice = choiceWriter(context);
  const loading = Engine.load({
    // The prompt is the user's own, and nobody else waits.
    preparation: 'inline',
    ...options,
    signal: shell.signal,
    onProgress,
    onChoice,
    onWarning: warningWriter(context),
    onNews: choiceWriter(context),
    onCompiling: compilingWriter(context),
    onCompiled: compiledWriter(context),
  });
  const engine = await loading.finally(() => progress.clear());
  try {
    return await work(engine);
  } finally {
    progress.clear();
    await engine.close();
  }
}

/** Says on standard error what was decided for an option such as --dtype auto, and what happens to workers that join. */
export function choiceWriter({ shell, progress, isQuiet }: RunContext): (words: string) => void {
  return (words) => {
    progress.clear();
    if (isQuiet) return;
    shell.stderr.write(`kvr: ${oneLine(words)}\n`);
  };
}

/** Says on standard error what went wrong and was put right; also with --quiet, which is about progress. */
export function warningWriter({ shell, progress }: RunContext): (words: string) => void {
  return (words) => {
    progress.clear();
    shell.stderr.write(`kvr: ${oneLine(words)}\n`);
  };
}

/** A shorter compilation is not worth a line. */
const LONG_COMPILE_MS = 5_000;

/** Says on standard error what a long compilation will take. */
export function compilingWriter(context: RunContext): (forecast: CompileForecast) => void {
  const { shell, progress, isQuiet } = context;
  return (forecast) => {
    progress.clear();
    if (!isQuiet && forecast.expectedMs >= LONG_COMPILE_MS)
      shell.stderr.write(`kvr: ${compilingWords(forecast)}\n`);
  };
}

/** 'compiling to q8, once: 4.40 GB as f32, about 22 s by earlier ones here, 2.60 GB of 67.0 GB free on disk'. */
function compilingWords({
  dtype,
  sourceBytes,
  diskBytes,
  freeBytes,
  expectedMs,
  isMeasured,
}: CompileForecast): string {
  const basis = isMeasured ? 'by the last one here' : 'as a guess, the first one here';
  const time = `about ${formatMs(Math.ceil(expectedMs / 1000) * 1000)} ${basis}`;
  return `compiling to ${dtype}, once: ${formatBytes(sourceBytes)} as f32, ${time}, ${formatBytes(diskBytes)} of ${formatBytes(freeBytes)} free on disk`;
}

/** Says on standard error how long a long compilation took. */
export function compiledWriter({ shell, progress, isQuiet }: RunContext): (facts: CompileFacts) => void {
  return (facts) => {
    progress.clear();
    if (!isQuiet && facts.ms >= LONG_COMPILE_MS) shell.stderr.write(`kvr: ${compiledWords(facts)}\n`);
  };
}

/** 'compiled to q8 in 12.3 s: 4.4 GB as f32 at 358 MB/s, peak memory 1.2 GB'. */
function compiledWords({ dtype, ms, sourceBytes, peakBytes, unsharedGraphs }: CompileFacts): string {
  const speed = `${(sourceBytes / 1e3 / ms).toFixed(0)} MB/s`;
  const unshared =
    unsharedGraphs > 0 ? `; weights of ${unsharedGraphs} graphs are not shared by workers` : '';
  return `compiled to ${dtype} in ${(ms / 1000).toFixed(1)} s: ${formatBytes(sourceBytes)} as f32 at ${speed}, peak memory ${formatBytes(peakBytes)}${unshared}`;
}

/** @param onText gets the answer piece by piece. @throws as Engine.generate */
export async function runRequest(
  engine: Engine,
  request: GenerateRequest,
  { shell, progress }: RunContext,
  onText: (text: string) => void,
): Promise<Run> {
  let result: GenerationResult | undefined;
  for await (const event of engine.generate({ signal: shell.signal, ...request })) {
    if (event.type === 'prefill') progress.update('reading the prompt', event.fraction);
    else if (event.type === 'token') {
      progress.clear();
      if (event.text !== '') onText(event.text);
    } else if (event.type === 'done') result = event.result;
  }
  if (!result) throw new KvrError('INTERNAL', 'a generation ended without a result');
  return { result, threads: threadsOf(engine) };
}

/** Threads of each worker. */
export function threadsOf({ workers }: Engine): number {
  return workers[0]?.ready.threads ?? 1;
}

/** The same prompt on one worker with as many threads as the chain had in all, as an engine of its own. */
export function runOnOneWorker(
  options: EngineOptions,
  request: GenerateRequest,
  totalThreads: number,
  context: RunContext,
): Promise<Run> {
  return withEngine({ ...options, workers: 1, threads: totalThreads, calibrate: false }, context, (engine) =>
    runRequest(engine, { ...request, strategy: 'single', partition: undefined }, context, () => undefined),
  );
}
