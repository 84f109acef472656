/**
 * Checks that a run message fits this worker, its model and its payload: what its schema cannot see.
 */
import { KvrError } from '../../core/errors.js';
import { answerTokens } from '../../core/request.js';
import type { ModelShape } from '../../core/shape.js';
import type { RunMessage } from '../protocol/index.js';
import type { Job } from '../threads/thread-messages.js';

/** @throws PROTOCOL with the first thing that does not fit. */
export function checkRun(
  run: RunMessage,
  payload: Uint8Array<ArrayBuffer>,
  worker: string,
  shape: ModelShape,
): void {
  const { chain, partition, rank } = run;
  const isLast = rank === chain.length - 1;
  const contextTokens = partition.reduce((sum, size) => sum + size, 0);
  const { answered = 0 } = run;
  const expected = isLast ? contextTokens + answered : (partition[rank] ?? 0) + idsBehind(run);
  expect(chain.length === partition.length, `${chain.length} ranks but ${partition.length} slices`);
  expect(chain[rank] === worker, `rank ${rank} of the chain is ${chain[rank]}, this is ${worker}`);
  expect(
    partition.every((size) => size > 0),
    'a slice without tokens',
  );
  expect(payload.byteLength === 4 * expected, `${payload.byteLength} bytes of ids for ${expected} tokens`);
  const newTokens = answerTokens(run.spec);
  expect(
    contextTokens + newTokens <= shape.contextTokens,
    `${contextTokens}+${newTokens} tokens, the model takes ${shape.contextTokens}`,
  );
  expect(isLast || answered === 0, `an answer of ${answered} tokens for rank ${rank}, which is not the last`);
  expect(
    answered === 0 || answered < run.spec.maxTokens,
    `${answered} tokens of the answer are there, of ${run.spec.maxTokens}`,
  );
  const unknown = readIds(payload).find((id) => id < 0 || id >= shape.vocabulary);
  expect(unknown === undefined, `token id ${unknown} of a vocabulary of ${shape.vocabulary}`);
}

/** The first token of the next rank, where this one's last row is to tell what it thinks of it. */
function idsBehind({ spec }: RunMessage): number {
  return spec.promptLogprobs === undefined ? 0 : 1;
}

/** The ids in a run message's payload, over the same bytes. */
export function readIds(payload: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  return new Int32Array(payload.buffer, payload.byteOffset, payload.byteLength >> 2);
}

/** The same by what they are: the rank's part of the prompt, and the answer so far. Both over the same bytes. */
export function readPart(
  { answered = 0 }: RunMessage,
  payload: Uint8Array<ArrayBuffer>,
): Pick<Job, 'ids' | 'answer'> {
  const all = readIds(payload);
  const promptTokens = all.length - answered;
  return { ids: all.subarray(0, promptTokens), answer: all.subarray(promptTokens) };
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new KvrError('PROTOCOL', `run message does not fit: ${otherwise}`);
}
