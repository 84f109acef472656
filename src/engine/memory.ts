export type WorkerMemory = {
  weightBytes: number;
  kvBytes: number;
  activationBytes: number;
  baseBytes: number;
  totalBytes: number;
};
export function workerMemory(_: {
  shape: import('../core/shape.js').ModelShape;
  slice: import('../core/partition.js').Slice;
  isLast: boolean;
  chunkTokens: number;
}): WorkerMemory {
  return { weightBytes: 0, kvBytes: 0, activationBytes: 0, baseBytes: 0, totalBytes: 0 };
}
