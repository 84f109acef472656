/**
 * A request as dialects hand it on: the same whatever API it came by. Made by a dialect, run by choice-run.ts.
 */
import type { RequestKind } from '../../core/documents/request-record.js';
import type { ThinkingLimit } from '../../core/thinking-limit.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import type { AcceptedGrammar } from '../../engine/preparation/accepted-grammar.js';
import type { ReasoningUse } from '../reasoning/reasoning-format.js';
import type { ToolUse } from '../tools/tool-use.js';

/** What a client wants, whatever its API calls it. */
export type ParsedRequest = {
  readonly kind: RequestKind;
  /** As the client names it; undefined where it does not. */
  readonly model: string | undefined;
  /** Token ids; each prompt is answered `n` times. */
  readonly prompts: readonly Int32Array[];
  readonly n: number;
  /** Any whole number, for the first answer of a prompt; the others' are one apart. Undefined: one is drawn. */
  readonly seed: number | undefined;
  /** Undefined: the server's default, as far as the context has room. */
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  /** Which of the waiting requests goes first; the engine's own where it is undefined. */
  readonly priority?: GenerateRequest['priority'];
  /** Which workers may take part; all where it is undefined. */
  readonly chain?: GenerateRequest['chain'];
  readonly sampling: NonNullable<GenerateRequest['sampling']>;
  /** What the model thinks of the prompt's own tokens is told, with so many likely ones for each; undefined: it is not. */
  readonly promptLogprobs?: number | undefined;
  /** What the answers are held to. */
  readonly grammar?: AcceptedGrammar | undefined;
  /** Where functions may be called. */
  readonly toolUse?: ToolUse | undefined;
  /** Where the model may think before it answers. */
  readonly reasoning?: ReasoningUse | undefined;
  /** Where its thinking has a limit. */
  readonly thinkingLimit?: ThinkingLimit | undefined;
  /** Who asks, by the client's word: for the log. */
  readonly user?: string | undefined;
  readonly isStream: boolean;
  /** A stream tells how far it is, often; else only after silences. */
  readonly wantsProgress?: boolean;
  /** Goes on when the client leaves, and is answered as it begins. */
  readonly isBackground?: boolean;
  /** A stream ends with the numbers of tokens. */
  readonly wantsUsage: boolean;
  /** Fields that say nothing about the answer, by name; told to the client, and refused by a strict server. */
  readonly ignored?: readonly string[];
};
