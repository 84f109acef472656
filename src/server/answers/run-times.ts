/**
 * How long the parts of an answer took, as far as its result says. Pure.
 */
import type { GenerationResult } from '../../engine/output/generation.js';

export type RunTimes = {
  /** Before the prompt phase. */
  readonly queueMs: number;
  /** The prompt phase, up to the first token. */
  readonly promptMs: number;
  /** All tokens after the first; never 0, since clients divide by it. */
  readonly decodeMs: number;
};

/** Less than any clock here can tell. */
const LEAST_MS = 0.001;

export function runTimes({
  queueMs,
  ttftMs,
  completionTokens,
  decodeTokensPerSecond: rate,
}: GenerationResult): RunTimes {
  const decodeMs = rate === null || rate <= 0 ? 0 : ((completionTokens - 1) / rate) * 1000;
  return {
    queueMs: Math.max(0, queueMs),
    promptMs: Math.max(LEAST_MS, ttftMs),
    decodeMs: Number.isFinite(decodeMs) ? Math.max(LEAST_MS, decodeMs) : LEAST_MS,
  };
}
