/**
 * What an answer is made of, bit by bit.
 */

/** `text` is the arguments, as the model wrote them: JSON, unless it was cut off or wrote something else. */
export type AnsweredCall = {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly text: string;
};
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string }
  /** What the model thinks before it answers, without the marks around it. */
  | { readonly type: 'reasoning'; readonly text: string }
  /** A call begins, as yet without arguments. */
  | { readonly type: 'call'; readonly call: AnsweredCall }
  | { readonly type: 'arguments'; readonly index: number; readonly text: string };
