/**
 * POST /v1/chat/completions: what its bodies mean, and how its answers are told.
 */
import { z } from 'zod';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import type { Grammar } from '../../grammar/grammar.js';
import type { Answer, AnswerPart } from '../answers/answer.js';
import type { Dialect } from '../answers/dialect.js';
import type { ParsedRequest } from '../answers/parsed-request.js';
import { Ignored } from '../parameters/read.js';
import { withBudget } from '../parameters/thinking-budget.js';
import { withTemplateArgs } from '../parameters/template-args.js';
import { accepted, type AskedGrammar, bad } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { isOpenAtEnd, reasoningUseOf } from '../reasoning/reasoning-format.js';
import { thinkingLimit } from '../reasoning/thinking-limit.js';
import { textLead, withThinking } from '../reasoning/thinking-grammar.js';
import { isRecord } from '../tools/json/json.js';
import { toldMessages } from '../tools/generic-messages.js';
import { wholeDocument } from './answer-fields.js';
import { type ChunkChoices, chunkStream } from './chunk-stream.js';
import { chatLogprobs, entriesOf, type LogprobEntry } from './logprobs.js';
import { readMessages } from './messages.js';
import { parseParameters, samplingOf, sharedRequest, sharedShape } from './parameters.js';
import { formatShape, readFormat } from './response-format.js';
import { readTemplate, templateShape } from './template.js';
import { readTools, toolShape, withTools } from './tools.js';

const chatSchema = z.strictObject({
  ...sharedShape,
  messages: z.unknown(),
  /** The newer name of max_tokens. */
  max_completion_tokens: sharedShape.max_tokens,
  ...toolShape,
  ...templateShape,
  ...formatShape,
  /** Tokens; see parameters/thinking-budget.ts. */
  thinking_budget: z.number().optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
});

export const CHAT: Dialect = {
  idPrefix: 'chatcmpl-',
  parse: parseChat,
  whole: (run) =>
    wholeDocument(
      run,
      'chat.completion',
      run.answers.map((answer, index) => ({
        index,
        message: { role: 'assistant', refusal: null, ...messageOf(answer) },
        logprobs: chatLogprobs(entriesOf(answer, run)),
        finish_reason: finishReasonOf(answer),
      })),
    ),
  stream: (run, wantsEvents) => chunkStream(run, CHUNKS, wantsEvents),
};

/** Tools, and what the template reads, in one spelling each. */
function spelledOut(body: unknown, ignored: Ignored): unknown {
  return isRecord(body) ? withTemplateArgs(withBudget(withTools(body, ignored))) : body;
}

/** What is cheap to check comes first. @throws as Dialect.parse */
async function parseChat(
  body: unknown,
  { model: { tokenizer }, preparation }: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedRequest> {
  const ignored = new Ignored();
  const given = parseParameters(
    chatSchema,
    Object.keys(chatSchema.shape),
    spelledOut(body, ignored),
    ignored,
  );
  const { max_tokens, max_completion_tokens } = given;
  const textFormat = readFormat(given, ignored);
  const reasoning = reasoningUseOf(tokenizer);
  const toolUse = readTools(given, textFormat, tokenizer, textLead(reasoning));
  const messages = toldMessages(readMessages(given.messages, ignored), toolUse, tokenizer);
  const template = readTemplate(given);
  const shared = sharedRequest(given);
  const sampling = samplingOf(given, topLogprobsOf(given));
  const prompt = { kind: 'chat' as const, messages, tools: toolUse?.templateTools, template };
  const ids = await preparation.promptIds(prompt, signal);
  const asked = toolUse ? toolUse.asked : inLead(textFormat, textLead(reasoning));
  const isInside = reasoning !== undefined && isOpenAtEnd(reasoning.format, ids, tokenizer);
  // Who asks for no thinking gets none, unless the template has begun it all the same.
  const hasRoom = isInside || template?.args?.['enable_thinking'] !== false;
  const held =
    asked && reasoning && hasRoom
      ? { ...asked, grammar: withThinking(asked.grammar, reasoning, isInside) }
      : asked;
  return {
    ...shared,
    kind: 'chat',
    grammar: held && (await accepted(held, preparation, signal)),
    prompts: [ids],
    // The newer name wins.
    maxTokens: max_completion_tokens ?? max_tokens,
    sampling,
    toolUse,
    ignored: ignored.names,
    reasoning,
    thinkingLimit:
      reasoning && given.thinking_budget !== undefined
        ? thinkingLimit(reasoning, given.thinking_budget, { isInside, isFree: !asked && !toolUse, tokenizer })
        : undefined,
  };
}

function inLead(asked: AskedGrammar | undefined, lead: Grammar | undefined): AskedGrammar | undefined {
  return asked && lead ? { ...asked, grammar: { type: 'sequence', parts: [lead, asked.grammar] } } : asked;
}

/** @throws BAD_INPUT */
function topLogprobsOf({ logprobs, top_logprobs }: z.output<typeof chatSchema>): number | undefined {
  if (logprobs) return top_logprobs ?? 0;
  if (top_logprobs)
    throw bad('top_logprobs needs logprobs; set logprobs to true, or leave top_logprobs out', 'top_logprobs');
  return undefined;
}

const CHUNKS: ChunkChoices = {
  object: 'chat.completion.chunk',
  begin: (index) => chunkChoice(index, { role: 'assistant', content: '' }),
  text: (index, content, entries) => chunkChoice(index, { content }, null, entries),
  call: (index, part) => chunkChoice(index, deltaOf(part)),
  end: (index, _result, answer) => chunkChoice(index, {}, finishReasonOf(answer)),
};

function chunkChoice(
  index: number,
  delta: object,
  finishReason: string | null = null,
  entries?: readonly LogprobEntry[],
): unknown {
  return { index, delta, logprobs: chatLogprobs(entries), finish_reason: finishReason };
}

function messageOf(answer: Answer): object {
  const { reasoning } = answer;
  return { ...(reasoning !== '' && { reasoning_content: reasoning }), ...contentOf(answer) };
}

function contentOf({ text, calls }: Answer): object {
  if (calls.length === 0) return { content: text };
  const made = calls.map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.text },
  }));
  return { content: text === '' ? null : text, tool_calls: made };
}

function deltaOf(part: Exclude<AnswerPart, { type: 'text' }>): object {
  if (part.type === 'reasoning') return { reasoning_content: part.text };
  return { tool_calls: [callDelta(part)] };
}

/** The name comes first, then the arguments, bit by bit. */
function callDelta(part: Exclude<AnswerPart, { type: 'text' | 'reasoning' }>): object {
  if (part.type === 'arguments') return { index: part.index, function: { arguments: part.text } };
  const { index, id, name } = part.call;
  return { index, id, type: 'function', function: { name, arguments: '' } };
}

/** Clients make the calls of an answer that ends with 'tool_calls', so a call that was cut off must not end so. */
function finishReasonOf({ result, calls, isCut }: Answer): string | null {
  const reason = result?.finishReason ?? null;
  return calls.length > 0 && reason === 'stop' && !isCut ? 'tool_calls' : reason;
}
