/** What the process of one side is told and answers. */
import type { Dtype } from '../../src/core/shape.js';

export type SideSetup = {
  /** The built library of the checkout: DIR/dist/index.js. */
  readonly entry: string;
  readonly options: {
    readonly model: string;
    readonly dtype: Dtype;
    readonly workers: number;
    readonly threads: number;
    readonly cacheDir: string;
    readonly calibrate: boolean;
  };
};

export type SideReady = { readonly vocabulary: number };
export type SideRun = { readonly promptIds: readonly number[]; readonly partition: 'e' | 'auto' };
export type SideAnswer = { readonly ttftMs: number; readonly firstToken: number };
