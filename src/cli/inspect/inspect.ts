/**
 * `kvr inspect`: what a checkpoint is, and what memory its workers will need, without running it. With --quality also what each
 * dtype costs in quality, which does run it.
 */
import type { Checkpoint } from '../../core/checkpoint.js';
import type { QualityReport } from '../../evaluation/quality/index.js';
import { openCheckpoint } from '../../model/open.js';
import { usableCacheFolder } from '../run/cache-check.js';
import type { Command } from '../run/command.js';
import { runContext, type RunContext } from '../run/engine-run.js';
import type { Shell } from '../terminal/shell.js';
import { inspectFacts } from './inspect-facts.js';
import { type InspectFlags, inspectFlags } from './inspect-flags.js';
import { formsOf, qualityLines, readQualityText, runQuality } from './inspect-quality.js';
import { inspectReport } from './inspect-report.js';

export const inspect: Command<InspectFlags> = {
  flags: inspectFlags,
  epilogue: `Memory is predicted for an even partition: what a worker process has resident after such a request, or the most with --running
of them at once, as far as their keys and values fit into --kv-memory of "kvr serve" (others wait). All workers of a machine share
the weight files in memory, so together they need less than the sum. A worker that decodes with the threads of all workers maps its
weights twice, and the system counts them twice (the column "again").

--json prints { "model", "architecture", "parameters", "layers", "hidden", "heads", "kvHeads", "headDim", "feedForward",
"vocabulary", "contextTokens", "dtype", "kvDtype", "kvBytesPerToken", "tokenizer", "hasChatTemplate", "digest", "isCompiled",
"workers", "memoryTokens", "newTokens", "running", "workerBytes", "memory" }, and for a GGUF file "storedKinds": { "layers", "others" }, the
numbers of weights by the kind that they are stored in. "workerBytes" is the most that one worker needs; "memory" has
the parts of every rank. --quality adds "quality": { "label", "textTokens", "predictedTokens", "windowTokens",
"dtypes": [ { "dtype", "kvDtype", "perplexity", "perplexityChange", "meanDivergence", "sameTokenShare", "weightBytes" } ] }.
Its first entry, f32 with f32 keys and values, is what the others are compared with: "perplexityChange" is their perplexity divided by
its perplexity, minus 1; "meanDivergence" is the mean Kullback-Leibler divergence from it, in nats.

Examples:
  kvr inspect --model quote --workers 2
  kvr inspect --model ./my-checkpoint --quality my-text.txt`,
  run: runInspect,
};

async function runInspect(flags: InspectFlags, _argument: string | undefined, shell: Shell): Promise<void> {
  const context = runContext(shell, flags);
  // A text that can not be read is told before a large checkpoint is opened.
  const text = flags.quality === undefined ? undefined : await readQualityText(flags.quality, shell.signal);
  const cacheFolder = await usableCacheFolder(flags.cacheDir);
  const checkpoint = await open(flags.model, cacheFolder, context);
  try {
    const facts = await inspectFacts(checkpoint, flags, cacheFolder);
    const quality =
      text === undefined ? undefined : await measure(checkpoint, text, flags, cacheFolder, context);
    if (flags.json) shell.stdout.write(`${JSON.stringify({ ...facts, ...(quality && { quality }) })}\n`);
    else {
      const lines = quality ? ['', ...qualityLines(quality, shell.stdout), ''] : [];
      shell.stdout.write(inspectReport(facts, shell.stdout) + lines.join('\n'));
    }
  } finally {
    await checkpoint.close();
  }
}

function open(model: string, cacheFolder: string, { shell, progress }: RunContext): Promise<Checkpoint> {
  const onProgress = (fraction: number, what: string): void => progress.update(what, fraction);
  const opening = openCheckpoint(model, { cacheFolder, signal: shell.signal, onProgress });
  return opening.finally(() => progress.clear());
}

function measure(
  checkpoint: Checkpoint,
  text: string,
  { context, dtype, kvDtype }: InspectFlags,
  cacheFolder: string,
  { shell, progress }: RunContext,
): Promise<QualityReport> {
  const options = { context, forms: formsOf(dtype, kvDtype), cacheFolder };
  return runQuality(checkpoint, text, options, progress, shell.signal);
}
