/**
 * The conversation: what was said, the answer that is on its way, and how to ask and to stop.
 */
import { computed, signal } from '@preact/signals';
import { type Ask, streamAnswer, type Turn } from '../data/answer-stream.js';
import { settings } from './settings.js';
import { info, selectedId } from './store.js';

export type Message = {
  readonly role: 'user' | 'assistant';
  readonly text: string;
  /** The server's id of the request; null until its first token. */
  readonly requestId: string | null;
  readonly state: 'whole' | 'prefill' | 'streaming' | 'stopped' | 'failed';
  /** Share of the prompt phase that is done. */
  readonly fraction: number;
  readonly note: string | null;
};

export const messages = signal<readonly Message[]>([]);
export const isAnswering = computed(() => {
  const state = messages.value.at(-1)?.state;
  return state === 'prefill' || state === 'streaming';
});

let running: AbortController | undefined;

export function stop(): void {
  running?.abort();
}

export function startOver(): void {
  stop();
  messages.value = [];
}

/** Asks, and fills the answer in as it comes. Does nothing while another answer is on its way. */
export async function send(text: string): Promise<void> {
  const server = info.value;
  if (!server || isAnswering.value || text === '') return;
  const abort = (running = new AbortController());
  const turns = [...spokenTurns(messages.value), { role: 'user' as const, content: text }];
  const prompt = server.model.hasChatTemplate ? { messages: turns } : { prompt: textOf(turns) };
  messages.value = [...messages.value, said(text), answer()];
  selectedId.value = null;
  const ask: Ask = { model: server.model.name, prompt, ...settings.value };
  for await (const event of streamAnswer(ask, abort.signal)) {
    // A conversation that was started over has no place for the rest of this answer.
    if (running !== abort || messages.value.length === 0) return;
    const last = messages.value.at(-1);
    if (!last) return;
    if (event.type === 'prefill') change({ fraction: Math.max(last.fraction, event.fraction) });
    else if (event.type === 'text')
      change({ state: 'streaming', text: last.text + event.text, requestId: event.id });
    else if (event.type === 'end') change({ state: 'whole', note: noteOf(event.reason) });
    else if (abort.signal.aborted) change({ state: 'stopped', note: 'Stopped.' });
    else change({ state: 'failed', note: event.failure.message });
  }
  if (abort.signal.aborted && isAnswering.value) change({ state: 'stopped', note: 'Stopped.' });
}

function change(fields: Partial<Message>): void {
  const list = messages.value;
  const last = list.at(-1);
  if (last) messages.value = [...list.slice(0, -1), { ...last, ...fields }];
}

function said(text: string): Message {
  return { role: 'user', text, requestId: null, state: 'whole', fraction: 1, note: null };
}

function answer(): Message {
  return { role: 'assistant', text: '', requestId: null, state: 'prefill', fraction: 0, note: null };
}

function noteOf(reason: string): string | null {
  return reason === 'length' ? 'Ended at the limit of new tokens.' : null;
}

/** Questions that failed without an answer are not said again. */
function spokenTurns(list: readonly Message[]): Turn[] {
  return list.flatMap((message, i) => {
    const answered = message.role === 'user' ? list[i + 1] : message;
    return answered?.text === '' ? [] : [{ role: message.role, content: message.text }];
  });
}

/** A model without a chat template continues one text: what was said so far, a new line before each question. */
export function textOf(turns: readonly Turn[]): string {
  return turns.map(({ role, content }, i) => (role === 'user' && i > 0 ? `\n${content}` : content)).join('');
}
