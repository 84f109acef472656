/**
 * The peer's process: loads one GGUF with llama.cpp and answers runs that its parent asks for, one at a time. Flash
 * attention on, batches of 512, no GPU: what its own users would choose on a machine without one.
 */
import { pathToFileURL } from 'node:url';
import type { PeerAnswer, PeerRun, PeerSetup } from './peer-messages.js';

/** The part of the peer's API that is used; it is not installed where this is type-checked. */
type Sequence = {
  evaluate(
    tokens: number[],
    options: { temperature: number; yieldEogToken: boolean },
  ): AsyncIterable<unknown>;
  clearHistory(): Promise<void>;
};
type Context = { getSequence(): Sequence };
type Model = {
  createContext(options: {
    contextSize: number;
    batchSize: number;
    threads: number;
    flashAttention: boolean;
  }): Promise<Context>;
};
type Llama = { loadModel(options: { modelPath: string; gpuLayers: number }): Promise<Model> };
type Module = {
  getLlama(options: {
    gpu: false;
    build: 'never';
    logLevel: string;
    maxThreads: number;
    progressLogs: boolean;
  }): Promise<Llama>;
};

const BATCH_TOKENS = 512;

async function openSequence({ entry, gguf, threads, contextTokens }: PeerSetup): Promise<Sequence> {
  const module = (await import(pathToFileURL(entry).href)) as Module;
  const llama = await module.getLlama({
    gpu: false,
    build: 'never',
    logLevel: 'error',
    maxThreads: threads,
    progressLogs: false,
  });
  const model = await llama.loadModel({ modelPath: gguf, gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: contextTokens,
    batchSize: BATCH_TOKENS,
    threads,
    flashAttention: true,
  });
  return context.getSequence();
}

async function run(sequence: Sequence, { ids, newTokens }: PeerRun): Promise<PeerAnswer> {
  await sequence.clearHistory();
  const startMs = performance.now();
  let firstMs = 0;
  let count = 0;
  const tokens = sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })[Symbol.asyncIterator]();
  for (; count < newTokens && !(await tokens.next()).done; count++) {
    if (count === 0) firstMs = performance.now();
  }
  await tokens.return?.();
  const decodeMs = performance.now() - firstMs;
  return { ttftMs: firstMs - startMs, tokensPerS: count > 1 ? (1000 * (count - 1)) / decodeMs : null };
}

const setup = JSON.parse(process.argv[2] ?? '') as PeerSetup;
const sequence = await openSequence(setup);
process.on('message', (message) => {
  void run(sequence, message as PeerRun).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
