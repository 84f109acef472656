/**
 * What `kvr inspect` tells of a checkpoint, and of the memory that workers would need for it, as its JSON document has it.
 */
import { areStartedHere, workerCount } from '../../cluster/worker-source.js';
import type { Checkpoint } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { evenPartition } from '../../core/partition.js';
import { type Dtype, KV_DTYPES, type KvDtype, kvBytesPerToken } from '../../core/shape.js';
import { decidedDtype } from '../../engine/load/load.js';
import { workerMemory, type WorkerMemory } from '../../engine/load/memory.js';
import { defaultDecodeThreads, defaultThreads } from '../../engine/options/defaults.js';
import { DEFAULT_CHUNK_TOKENS } from '../../engine/options/options.js';
import { compileModel } from '../../model/compile.js';
import { compileKernels } from '../../runtime/cpu/compile-kernels.js';
import { openTokenizer, tokenizerSource } from '../../tokenizer/index.js';
import { DEFAULT_CONTEXT_TOKENS, DEFAULT_NEW_TOKENS } from './inspect-defaults.js';
import type { InspectFlags } from './inspect-flags.js';

export type InspectFacts = Awaited<ReturnType<typeof inspectFacts>>;

/** What the document calls them; without one, prompts are token ids. */
const TOKENIZERS = { bytes: 'bytes', ids: 'none', folder: 'tokenizer.json' } as const;

/** @throws PROMPT_TOO_LONG where the model takes fewer tokens than are asked for */
export async function inspectFacts(checkpoint: Checkpoint, flags: InspectFlags, cacheFolder: string) {
  const { name, shape, parameters, digest } = checkpoint;
  const source = await tokenizerSource(checkpoint.tokenizerFolder, shape.vocabulary);
  const { kvDtype = KV_DTYPES[0] } = flags;
  const dtype = await dtypeOf(checkpoint, flags, cacheFolder);
  const { memoryTokens, newTokens } = memoryTokensOf(flags, shape.contextTokens);
  const memory = memoryByRank(checkpoint, flags, { dtype, kvDtype, memoryTokens, newTokens });
  const { architecture, layers, hidden, heads, kvHeads } = shape;
  const { headDim, feedForward, vocabulary, contextTokens } = shape;
  return {
    model: name,
    ...{ architecture, parameters, layers, hidden, heads, kvHeads },
    ...{ headDim, feedForward, vocabulary, contextTokens, dtype, kvDtype },
    kvBytesPerToken: kvBytesPerToken(shape, kvDtype),
    tokenizer: TOKENIZERS[source.kind],
    hasChatTemplate: (await openTokenizer(source)).hasChatTemplate,
    digest,
    ...(checkpoint.storedKinds && { storedKinds: checkpoint.storedKinds }),
    isCompiled: await isCompiled(checkpoint, dtype, cacheFolder),
    workers: memory.length,
    memoryTokens,
    newTokens,
    running: flags.running ?? 1,
    workerBytes: Math.max(...memory.map(({ totalBytes }) => totalBytes)),
    memory,
  };
}

/** What a run would take; on a machine that is too small for all, the one that needs least. */
async function dtypeOf(checkpoint: Checkpoint, flags: InspectFlags, cacheFolder: string): Promise<Dtype> {
  const { dtype = 'auto', kvDtype = KV_DTYPES[0], threads, chunkTokens = DEFAULT_CHUNK_TOKENS } = flags;
  const settings = { dtype, kvDtype, threads, chunkTokens, workers: workerCount(flags.workers ?? 1) };
  try {
    return await decidedDtype(checkpoint, settings, cacheFolder, {});
  } catch (error) {
    if (error instanceof KvrError && error.code === 'BAD_INPUT') return SMALLEST_DTYPE;
    throw error;
  }
}

const SMALLEST_DTYPE = 'q4';

type MemoryFor = {
  readonly dtype: Dtype;
  readonly kvDtype: KvDtype;
  readonly memoryTokens: number;
  readonly newTokens: number;
};

/** Predicted for an even partition. */
function memoryByRank({ shape }: Checkpoint, flags: InspectFlags, asked: MemoryFor): WorkerMemory[] {
  const { workers = 1, chunkTokens = DEFAULT_CHUNK_TOKENS, running = 1 } = flags;
  const { dtype, kvDtype, memoryTokens, newTokens } = asked;
  const options = { shape, dtype, kvDtype, newTokens, chunkTokens, running };
  const ranks = workerCount(workers);
  return evenPartition(memoryTokens, ranks).map((slice, rank, { length }) =>
    workerMemory({
      ...options,
      slice,
      isLast: rank === length - 1,
      allowsAllCoreDecode: allowsAllCoreDecode(flags, dtype),
    }),
  );
}

/** Whether workers started with these flags would decode with each other's cores. Running ones do not. */
function allowsAllCoreDecode({ workers = 1, threads, decodeThreads }: InspectFlags, dtype: Dtype): boolean {
  if (!areStartedHere(workers)) return false;
  const own = threads ?? defaultThreads(workers);
  return (decodeThreads ?? defaultDecodeThreads(dtype, workers, own)) > own;
}

/** @throws PROMPT_TOO_LONG where the model takes fewer tokens than are asked for */
function memoryTokensOf(
  { context, maxTokens }: Pick<InspectFlags, 'context' | 'maxTokens'>,
  contextTokens: number,
): { memoryTokens: number; newTokens: number } {
  // A model with a very short context keeps half of it for the prompt.
  const newTokens = maxTokens ?? Math.min(DEFAULT_NEW_TOKENS, Math.floor(contextTokens / 2));
  const memoryTokens = context ?? Math.max(1, Math.min(contextTokens - newTokens, DEFAULT_CONTEXT_TOKENS));
  if (memoryTokens + newTokens <= contextTokens) return { memoryTokens, newTokens };
  const message = `${memoryTokens} prompt tokens and ${newTokens} new ones are more than the model's context of ${contextTokens}; lower --context or --max-tokens`;
  throw new KvrError('PROMPT_TOO_LONG', message, { contextTokens });
}

/** Asks the compiler with a signal that is aborted already: it finds a compiled model, and starts to compile none. */
async function isCompiled(checkpoint: Checkpoint, dtype: Dtype, cacheFolder: string): Promise<boolean> {
  try {
    const signal = AbortSignal.abort();
    await compileModel(checkpoint, { cacheFolder, dtype, ...compileKernels(), signal });
    return true;
  } catch (error) {
    if (error instanceof KvrError && error.code === 'CANCELLED') return false;
    throw error;
  }
}
