/**
 * What one event of an answer's stream tells. Pure.
 */
import * as z from 'zod/mini';
import { text } from '../../core/schema/fields.js';
import { errorBodySchema, type Failure, NO_ANSWER } from './failure.js';
import { parseJson } from './parse.js';
import type { SseEvent } from './sse.js';

export type AnswerEvent =
  | { readonly type: 'prefill'; readonly fraction: number }
  /** The request's id comes with every piece. */
  | { readonly type: 'text'; readonly id: string; readonly text: string }
  | { readonly type: 'end'; readonly reason: string }
  | { readonly type: 'failed'; readonly failure: Failure };

/** Chunks of both endpoints, as far as the page reads them; `usage` comes in one without choices. */
const chunkSchema = z.object({
  id: text,
  choices: z
    .array(
      z.object({
        text: z.nullish(text),
        delta: z.nullish(z.object({ content: z.nullish(text) })),
        finish_reason: z.nullish(text),
      }),
    )
    .check(z.maxLength(1)),
});
const prefillSchema = z.object({ fraction: z.number() });

/** An answer that ends without one. */
export function broken(message: string): AnswerEvent {
  return { type: 'failed', failure: { status: NO_ANSWER, message } };
}

/** @returns what one event of the stream tells: nothing, text, an end, or both */
export function answerEvents({ name, data }: SseEvent): AnswerEvent[] {
  if (name === 'kvr.prefill') {
    const progress = parseJson(data, prefillSchema);
    return progress ? [{ type: 'prefill', fraction: progress.fraction }] : [];
  }
  const error = parseJson(data, errorBodySchema)?.error;
  if (error) return [broken(error.message)];
  const piece = parseJson(data, chunkSchema);
  const [choice] = piece?.choices ?? [];
  if (!piece || !choice) return [];
  const said = choice.delta?.content ?? choice.text ?? '';
  const events: AnswerEvent[] = [];
  if (said !== '') events.push({ type: 'text', id: piece.id, text: said });
  if (typeof choice.finish_reason === 'string') events.push({ type: 'end', reason: choice.finish_reason });
  return events;
}
