/**
 * What is known of an engine's workers and links, wherever it comes from: measured once for a fixed chain (calibration-store.ts), or
 * worker by worker as they join (joined-costs.ts).
 */
import type { RankTimeline } from '../../core/timeline.js';
import type { LinkCost } from '../../plan/index.js';
import type { ChainKnowledge, WorkerCosts } from './worker-costs.js';

export interface CostSource {
  /** Of the workers that can be used, in chain order. */
  readonly knowledge: ChainKnowledge;
  /** The same by the workers' ids. */
  readonly costs: WorkerCosts;
  /** Between two workers, where it was measured: what plans count with is a guess elsewhere. */
  measuredLink(from: string, to: string): LinkCost | undefined;
  /** Corrects the costs by a finished request's timelines; `chain` are the ids of its workers, in rank order. */
  refresh(contextTokens: number, chain: readonly string[], timelines: readonly RankTimeline[]): void;
  /** Keeps what is known for the next start. */
  save(): Promise<void>;
}
