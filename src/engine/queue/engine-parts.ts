/**
 * What an engine works with: the model, the settings with everything decided, the chain of workers and, unless that is
 * turned off, what was measured of them. Made by load-parts.ts.
 */
import type { RunningChain } from '../chain/running-chain.js';
import type { LoadedModel } from '../load/load.js';
import type { EngineSettings } from '../options/options.js';
import type { RequestPreparation } from '../preparation/preparation.js';
import type { CostSource } from '../partition/cost-source.js';

export type EngineParts = {
  readonly model: LoadedModel;
  readonly settings: EngineSettings;
  readonly chain: RunningChain;
  readonly preparation: RequestPreparation;
  /** Undefined where calibration is off: slices are then even, and nothing is predicted. */
  readonly calibration: CostSource | undefined;
  /** Takes one line about something that went wrong and was put right, or does not matter. */
  readonly warn: (words: string) => void;
};
