/**
 * Holds all runs of a context to one first token: a figure of a wrong answer is no figure.
 */
import { KvrError } from '../../core/errors.js';

export class FirstTokens {
  readonly #known = new Map<number, { readonly token: number; readonly by: string }>();

  /** @param by names the run. @throws INTERNAL where another run of the same context gave another token */
  check(contextTokens: number, token: number, by: string): void {
    const known = this.#known.get(contextTokens);
    if (!known) this.#known.set(contextTokens, { token, by });
    else if (known.token !== token) {
      throw new KvrError(
        'INTERNAL',
        `at ${contextTokens} tokens ${by} gave first token ${token}, but ${known.by} gave ${known.token}; no figures are shown for wrong answers, please report this`,
        { contextTokens, token, expected: known.token },
      );
    }
  }

  /** By context, in the order they came. */
  get all(): { readonly contextTokens: number; readonly firstToken: number }[] {
    return [...this.#known].map(([contextTokens, { token }]) => ({ contextTokens, firstToken: token }));
  }
}
