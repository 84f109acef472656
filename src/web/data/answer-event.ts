/**
 * What one event of an answer's stream tells. Pure.
 */
import { type Failure, NO_ANSWER } from './failure.js';
import { finite, listOf, objectOf, orElse, orNull, parseJson, type Shape, text } from './shape.js';
import type { SseEvent } from './sse.js';

export type AnswerEvent =
  | { readonly type: 'prefill'; readonly fraction: number }
  /** The request's id comes with every piece. */
  | { readonly type: 'text'; readonly id: string; readonly text: string }
  | { readonly type: 'end'; readonly reason: string }
  | { readonly type: 'failed'; readonly failure: Failure };

type Choice = { text: string | null; delta: { content: string | null } | null; finish_reason: string | null };
type Chunk = { id: string; choices: readonly Choice[] };

const chunk: Shape<Chunk> = objectOf<Chunk>({
  id: text,
  choices: orElse(
    listOf(
      objectOf<Choice>({
        text: orNull(text),
        delta: orNull(objectOf<{ content: string | null }>({ content: orNull(text) })),
        finish_reason: orNull(text),
      }),
      1,
    ),
    [],
  ),
});
const prefill: Shape<{ fraction: number }> = objectOf<{ fraction: number }>({ fraction: finite });
const failed: Shape<{ error: { message: string } }> = objectOf<{ error: { message: string } }>({
  error: objectOf<{ message: string }>({ message: text }),
});

/** An answer that ends without one. */
export function broken(message: string): AnswerEvent {
  return { type: 'failed', failure: { status: NO_ANSWER, message } };
}

/** @returns what one event of the stream tells: nothing, text, an end, or both */
export function answerEvents({ name, data }: SseEvent): AnswerEvent[] {
  if (name === 'kvr.prefill') {
    const progress = parseJson(data, prefill);
    return progress ? [{ type: 'prefill', fraction: progress.fraction }] : [];
  }
  const error = parseJson(data, failed)?.error;
  if (error) return [broken(error.message)];
  const piece = parseJson(data, chunk);
  const [choice] = piece?.choices ?? [];
  if (!piece || !choice) return [];
  const said = choice.delta?.content ?? choice.text ?? '';
  const events: AnswerEvent[] = [];
  if (said !== '') events.push({ type: 'text', id: piece.id, text: said });
  if (choice.finish_reason !== null) events.push({ type: 'end', reason: choice.finish_reason });
  return events;
}
