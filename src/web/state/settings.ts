/**
 * How the model is asked. Bounds are the server's; what lies outside is put right here, so that a form never sends it.
 */
import { signal } from '@preact/signals';

export type Settings = {
  readonly maxTokens: number;
  readonly temperature: number;
  /** null draws another one each time. */
  readonly seed: number | null;
};

export const BOUNDS = {
  maxTokens: { least: 1, most: 4096, step: 1 },
  temperature: { least: 0, most: 2, step: 0.1 },
  seed: { least: 0, most: 4_294_967_295, step: 1 },
} as const;

export const settings = signal<Settings>({ maxTokens: 128, temperature: 0, seed: null });

/** @returns the number nearest to what was typed that is inside the bounds; undefined where it is none */
export function inBounds(typed: string, name: keyof typeof BOUNDS): number | undefined {
  const { least, most, step } = BOUNDS[name];
  const value = Number(typed);
  if (typed.trim() === '' || !Number.isFinite(value)) return undefined;
  const inside = Math.min(most, Math.max(least, value));
  return step === 1 ? Math.round(inside) : inside;
}
