/**
 * One answer of the model as it comes: progress of the prompt phase, then text, then the end. Speaks to
 * /v1/chat/completions, or to /v1/completions where the model has no chat template.
 */
import { answerEvents, type AnswerEvent, broken } from './answer-event.js';
import { type Answer, call } from './api.js';
import { readSse } from './sse.js';

export type Turn = { readonly role: 'user' | 'assistant'; readonly content: string };

export type Ask = {
  readonly model: string;
  /** A conversation, or a text to continue. */
  readonly prompt: { readonly messages: readonly Turn[] } | { readonly prompt: string };
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number | null;
};

/** Ends with 'end' or 'failed', or without either once the signal is aborted. */
export async function* streamAnswer(ask: Ask, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
  const answer = await post(ask, signal);
  if (!answer.isOk) {
    yield { type: 'failed', failure: answer.failure };
    return;
  }
  try {
    let isEnded = false;
    for await (const event of readSse(answer.value.body ?? new ReadableStream())) {
      if (event.data === '[DONE]') return;
      for (const told of answerEvents(event)) {
        isEnded ||= told.type === 'end' || told.type === 'failed';
        yield told;
      }
    }
    if (!isEnded) yield broken('the answer ended early');
  } catch {
    // Reading rejects when the connection breaks, or when the reader called it off.
    yield broken(signal.aborted ? 'stopped' : 'the connection broke');
  }
}

function post({ model, prompt, maxTokens, temperature, seed }: Ask, signal: AbortSignal) {
  const path = 'messages' in prompt ? 'v1/chat/completions' : 'v1/completions';
  const settings = {
    model,
    stream: true,
    max_tokens: maxTokens,
    temperature,
    ...(seed !== null && { seed }),
  };
  return call(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'x-kvr-progress': 'event' },
    body: JSON.stringify({ ...settings, ...prompt }),
    signal,
  }) satisfies Promise<Answer<Response>>;
}
