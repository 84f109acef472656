/**
 * How long an answer may get. The context's end is a limit like any other, not an error: an answer that reaches it ends with the
 * reason "length".
 */
import { kvBytesPerToken } from '../../core/shape.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import type { ServedEngine } from '../requests/settings.js';

/**
 * What most answers stay under: plans and places go by it where no limit is asked for, and so much there is room for whatever other
 * requests hold.
 */
export const LIKELY_TOKENS = 1024;

type Limit = Pick<GenerateRequest, 'maxTokens' | 'likelyTokens'>;

/**
 * Who asks for more than there is room for asks for no limit, and gets what is given where none is named.
 * @param mostUnasked of an answer without a limit of its own; undefined: as the model says, or the room there is
 */
export function answerLimit(
  ids: Int32Array,
  engine: ServedEngine,
  asked: number | undefined,
  mostUnasked = engine.model.maxNewTokens ?? Infinity,
): Limit {
  const room = Math.max(1, engine.model.shape.contextTokens - ids.length);
  if (asked !== undefined && asked <= room) return { maxTokens: asked };
  const share = Math.max(LIKELY_TOKENS, sharedRows(engine) - ids.length);
  const maxTokens = Math.min(room, mostUnasked, share);
  return { maxTokens, likelyTokens: Math.min(maxTokens, LIKELY_TOKENS) };
}

/**
 * Memory for keys and values is taken for the whole of an answer when it begins, so one without a limit gets no more than its part
 * of it: as many such answers as may run fit beside each other.
 */
function sharedRows({ model, workers, settings }: ServedEngine): number {
  if (workers.length === 0) return 0;
  const bytes = Math.min(...workers.map(({ ready }) => ready.kvBytesLimit)) / settings.maxRunning;
  return Math.floor(bytes / kvBytesPerToken(model.shape, settings.kvDtype));
}
