/**
 * What is said about a generation once it is done: the picture of its chain and its figures, all of them measured.
 */
import type { GenerationResult } from '../../engine/output/generation.js';
import { formatCount, formatMs, formatPlural, joinParts } from '../terminal/format.js';
import { paintFor } from '../terminal/paint.js';
import { chainPicture } from './picture.js';
import type { Output } from '../terminal/shell.js';

/** Where a result was made: beside the result itself, what its figures depend on. */
export type Run = { readonly result: GenerationResult; readonly threads: number };

/** A speed over fewer tokens says more about other work of the system than about the model. */
const LEAST_TIMED_TOKENS = 8;

/** Picture and figures, each line no wider than the output, ending with a line end. */
export function runReport(run: Run, output: Output): string {
  const paint = paintFor(output.hasColours);
  const picture = chainPicture(run.result.timeline, output.columns, paint);
  return `${[...picture, joinParts(figures(run), output.columns)].join('\n')}\n`;
}

function figures({ result, threads }: Run): string[] {
  const { promptTokens, ttftMs, completionTokens, decodeTokensPerSecond, finishReason } = result;
  const isTelling = decodeTokensPerSecond !== null && completionTokens >= LEAST_TIMED_TOKENS;
  const decode = isTelling ? ` at ${formatRate(decodeTokensPerSecond)} after the first` : '';
  return [
    `first token after ${formatMs(ttftMs)}`,
    `${formatPlural(promptTokens, 'prompt token')} (${formatRate((1000 * promptTokens) / ttftMs)})`,
    chainWords(result.workers, threads),
    `partition ${result.partition.join(',')}`,
    result.kvDtype === 'f32' ? result.dtype : `${result.dtype}, KV ${result.kvDtype}`,
    `${formatPlural(completionTokens, 'new token')}${decode}`,
    finishReason === 'stop' ? 'ended by itself' : 'ended by --max-tokens',
  ];
}

/** '2 workers × 1 thread'. */
export function chainWords(workers: number, threads: number): string {
  return `${formatPlural(workers, 'worker')} × ${formatPlural(threads, 'thread')}`;
}

/** How a chain did against one worker with as many threads as the chain had in all; both were measured just now. */
export function comparisonWords(chain: Run, single: Run): string {
  const words = `${chainWords(1, single.threads)}: first token after ${formatMs(single.result.ttftMs)}`;
  const speedup = single.result.ttftMs / chain.result.ttftMs;
  const factor = speedup.toFixed(2);
  if (speedup > 1)
    return `${words}; ${chainWords(chain.result.workers, chain.threads)} were ${factor} times as fast`;
  return `${words}; ${chainWords(chain.result.workers, chain.threads)} were not faster here (${factor} times as fast)`;
}

function formatRate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : formatCount(perSecond)} tokens/s`;
}
