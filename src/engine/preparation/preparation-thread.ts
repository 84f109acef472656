/**
 * The entry of a thread that prepares requests. Reads the model's tokenizer once, then does one task after the other.
 */
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { asKvrError } from '../../core/errors.js';
import { openTokenizer, type TokenizerSource } from '../../tokenizer/index.js';
import { KEPT_HEAP_MB, LIMITS } from './limits.js';
import type { FromPoolThread } from './pool-messages.js';
import { prepare, type PreparationTask } from './prepare.js';

/** What the thread is started with. */
export type PreparationThreadSetup = { readonly source: TokenizerSource; readonly contextTokens: number };

const { source, contextTokens } = workerData as PreparationThreadSetup;
const model = { tokenizer: await openTokenizer(source), contextTokens };
const bytesBefore = getHeapStatistics().total_heap_size;

function hasGrown(): boolean {
  return getHeapStatistics().total_heap_size - bytesBefore > KEPT_HEAP_MB * 2 ** 20;
}

function answer(message: FromPoolThread, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on('message', (task: PreparationTask) => {
  try {
    const result = prepare(task, model, LIMITS);
    answer({ type: 'done', result, hasGrown: hasGrown() }, [result.ids.buffer]);
  } catch (error) {
    const { code, message, fields } = asKvrError(error);
    answer({ type: 'failed', code, message, fields, hasGrown: hasGrown() });
  }
});
answer({ type: 'ready' });
