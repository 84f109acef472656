/**
 * A server whose model says what a test writes, by what it is told: the messages, tools and arguments that its chat template would get.
 * It has a template that knows tools, as Hermes writes them, and thinking.
 */
import { KvrError } from '../../src/core/errors.js';
import type { GenerateRequest } from '../../src/engine/options/request.js';
import { InlinePreparation } from '../../src/engine/preparation/inline-preparation.js';
import type { ServedEngine } from '../../src/server/index.js';
import type { ChatMessage, ChatOptions } from '../../src/tokenizer/index.js';
import { resultOf, type Script, spoken, standInEngine } from './live-server.js';

export type Told = {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly args?: Readonly<Record<string, unknown>>;
  readonly request: GenerateRequest;
};
/** @returns the answer; WAITS for one that ends only when it is cancelled */
export type Says = (told: Told) => string;

export const WAITS = '(waits)';
/** Ends an answer by its limit. */
export const CUT = '(cut)';
export const CONTEXT_TOKENS = 50_000;
const EOS = 2;
const TEMPLATE = '{% if tools %}{{ tools }} <tool_call>{% endif %} </think>';

/** Calls as the model writes them. */
export function callOf(name: string, args: object): string {
  return `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;
}

export function scriptedEngine(says: Says): ServedEngine {
  const engine = standInEngine(scriptOf(says, (ids) => tokenizer.decode(ids)));
  const { tokenizer: bytes } = engine.model;
  const applyChat = (messages: readonly ChatMessage[], { tools, args }: ChatOptions = {}): number[] =>
    bytes.encode(JSON.stringify({ messages, tools, args }), CONTEXT_TOKENS);
  const tokenizer = { ...bytes, applyChat, toolTemplate: TEMPLATE };
  const shape = { ...engine.model.shape, contextTokens: CONTEXT_TOKENS };
  return {
    ...engine,
    model: { ...engine.model, tokenizer, shape },
    preparation: new InlinePreparation({ tokenizer, contextTokens: CONTEXT_TOKENS }),
  };
}

function scriptOf(says: Says, textOf: (ids: readonly number[]) => string): Script {
  return async function* (request, ids) {
    const told = JSON.parse(textOf(ids)) as Omit<Told, 'request'>;
    const text = says({ ...told, request });
    if (text === WAITS) {
      yield { type: 'prefill', fraction: 0.5 };
      await aborted(request.signal);
      throw new KvrError('CANCELLED', 'cancelled');
    }
    const isCut = text.endsWith(CUT);
    const plain = isCut ? text.slice(0, -CUT.length) : text;
    for (const event of spoken(plain, ids)) if (event.type !== 'done') yield event;
    const { tokenIds, ...result } = resultOf(plain, ids);
    const ended = isCut ? tokenIds : [...tokenIds, EOS];
    yield {
      type: 'done',
      result: {
        ...result,
        tokenIds: ended,
        completionTokens: ended.length,
        cachedTokens: 1,
        finishReason: isCut ? 'length' : 'stop',
      },
    };
  };
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (!signal || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** What a conversation of three turns says: two calls, one after the other, and then what they gave. */
export function asksTwice({ messages }: Pick<Told, 'messages'>): string {
  const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  if (results.length === 0) return `<think>where first</think>I look.${callOf('weather', { city: 'Oslo' })}`;
  if (results.length === 1) return callOf('weather', { city: 'Rome' });
  return `Oslo ${results[0] ?? ''}, Rome ${results[1] ?? ''}`;
}
