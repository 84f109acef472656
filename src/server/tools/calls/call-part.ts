/**
 * What reads one call of a function, as it is written: a kind for each syntax.
 */
export type CallPart =
  | { readonly type: 'call'; readonly name: string }
  /** Goes on with the arguments of the call that began last. */
  | { readonly type: 'arguments'; readonly text: string };

/** 'maybe' may still turn out to be text, 'none' has; 'open' has begun, 'whole' has ended. */
export type CallState = 'maybe' | 'none' | 'open' | 'whole';

export interface CallReader {
  readonly state: CallState;
  /** What came until it had begun. */
  readonly source: string;
  /** True from the arguments' begin to their end. */
  readonly isInArguments: boolean;
  /** True where a mark that closes a call would be a part of an argument. */
  readonly isInText: boolean;
  /**
   * Whether what came is the head of a call that was cut, as far as it can be told: its name, if that has begun, is one of
   * a function. @param isMarked a mark of calls stands before it, which tells it from other text
   */
  isHead(isMarked: boolean): boolean;
  /** @returns what is certain now */
  take(char: string): CallPart[];
}

/** True where all that came may still be, or is, text. */
export function isHeld({ state }: CallReader): boolean {
  return state === 'maybe' || state === 'none';
}

/** Functions there are, by name, with the schemas of their arguments. */
export type KnownFunctions = ReadonlyMap<string, unknown>;
