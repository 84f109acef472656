/**
 * From flags to what a request is sent with, beside its prompt, in the engine's units.
 */
import type { GenerateRequest } from '../../engine/options/request.js';
import type { ChainFlags } from './chain.js';
import { defined } from './defined.js';
import type { SamplingFlags } from './sampling.js';

export function requestOptions(
  flags: SamplingFlags & ChainFlags,
): Omit<GenerateRequest, 'prompt' | 'promptIds' | 'messages' | 'signal'> {
  const { maxTokens, stop, strategy, partition, prefer, decodeOn, deadline, ...rest } = flags;
  const { temperature, topK, topP, minP, repetitionPenalty, seed } = rest;
  const deadlineMs = deadline === undefined ? undefined : Math.ceil(1000 * deadline);
  return {
    ...defined({ maxTokens, stop, strategy, partition, prefer, decodeOn, deadlineMs }),
    sampling: defined({ temperature, topK, topP, minP, repetitionPenalty, seed }),
  };
}
