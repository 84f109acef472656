/**
 * One request of a bench on a loaded engine, up to its first token.
 */
import { KvrError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import type { GenerationResult } from '../../engine/output/generation.js';
import type { GenerateRequest } from '../../engine/options/request.js';

/** Shorter than what moves the engine's costs, long enough to open every session and touch every weight. */
const WARM_UP_TOKENS = 64;

/** @throws as Engine.generate, INTERNAL where there is no first token */
export async function timedRun(
  engine: Engine,
  request: GenerateRequest,
  onFraction: (fraction: number) => void,
): Promise<GenerationResult & { readonly firstToken: number }> {
  for await (const event of engine.generate({ ...request, maxTokens: 1 })) {
    if (event.type === 'prefill') onFraction(event.fraction);
    else if (event.type === 'done') {
      const [firstToken] = event.result.tokenIds;
      if (firstToken !== undefined) return { ...event.result, firstToken };
    }
  }
  throw new KvrError('INTERNAL', 'a run of the bench ended without a first token');
}

/** Runs a strategy once on the beginning of a prompt, untimed. */
export async function warmUp(engine: Engine, request: GenerateRequest): Promise<void> {
  const promptIds = request.promptIds?.slice(0, WARM_UP_TOKENS) ?? [];
  await timedRun(engine, { ...request, promptIds, chunkEnds: [] }, () => undefined);
}
