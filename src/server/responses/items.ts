/**
 * What a model answered as items of a response: thinking, messages and calls. An item's id holds its response's, so that it is found
 * again by its id alone.
 */
import type { AnswerBlock } from '../answers/blocks.js';
import type { ChoiceRun } from '../answers/choice-run.js';
import { entriesOf, tokenLogprobs } from '../openai/logprobs.js';
import { isRecord } from '../tools/json/json.js';
import type { ResponsesRequest } from './asked.js';
import { seal } from './sealed.js';

/** How `include` asks for thinking that the client sends back unread. */
export const SEALED = 'reasoning.encrypted_content';
export const ID_PREFIX = 'resp_';
const ITEM_PREFIXES = { text: 'msg', reasoning: 'rs', call: 'fc' } as const;
const ITEM_ID = /^(?:msg|rs|fc)_(.+)_\d+$/;

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';
export type OutputItem = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

export function itemId(responseId: string, type: AnswerBlock['type'], index: number): string {
  return `${ITEM_PREFIXES[type]}_${responseId.slice(ID_PREFIX.length)}_${index}`;
}

/** @returns undefined where the id is none of ours */
export function responseIdOf(id: string): string | undefined {
  const [, own] = ITEM_ID.exec(id) ?? [];
  return own === undefined ? undefined : `${ID_PREFIX}${own}`;
}

/** Thinking is told as it is, or, where a summary is asked for, in the place of that: clients show one of the two. */
export function wantsSummary({ body }: ResponsesRequest): boolean {
  const { reasoning } = body;
  return isRecord(reasoning) && Boolean(reasoning['summary'] ?? reasoning['generate_summary']);
}

function wantsSealed({ body: { include } }: ResponsesRequest): boolean {
  return Array.isArray(include) && include.includes(SEALED);
}

export type TextPart = { readonly type: string; readonly text: string; readonly [more: string]: unknown };

export function textPart(text: string, logprobs: readonly object[] = []): TextPart {
  return { type: 'output_text', text, annotations: [], logprobs };
}

/** @param parts of its content; none as it begins */
export function itemOf(
  { id: responseId, parsed }: ChoiceRun<ResponsesRequest>,
  index: number,
  block: AnswerBlock,
  status: ItemStatus,
  parts: readonly TextPart[],
): OutputItem {
  const { type } = block;
  const id = itemId(responseId, type, index);
  switch (type) {
    case 'text':
      return { id, type: 'message', role: 'assistant', status, content: parts };
    case 'reasoning':
      return { id, type, status, ...thinkingOf(block.text, parts, parsed) };
    case 'call':
      return {
        id,
        type: 'function_call',
        status,
        call_id: block.id,
        name: block.name,
        arguments: block.text,
      };
  }
}

function thinkingOf(text: string, parts: readonly TextPart[], parsed: ResponsesRequest): object {
  return {
    ...(wantsSummary(parsed) ? { summary: parts } : { summary: [], content: parts }),
    ...(wantsSealed(parsed) && parts.length > 0 && { encrypted_content: seal(text) }),
  };
}

/** The one part of an item that has parts. @param logprobs of the tokens of a text */
export function partOf(
  block: AnswerBlock,
  parsed: ResponsesRequest,
  logprobs: readonly object[] = [],
): TextPart {
  if (block.type === 'text') return textPart(block.text, logprobs);
  return { type: wantsSummary(parsed) ? 'summary_text' : 'reasoning_text', text: block.text };
}

/** All items of an answer, as far as it is; one without any text still is a message. */
export function outputOf(run: ChoiceRun<ResponsesRequest>): OutputItem[] {
  const [answer] = run.answers;
  if (!answer) return [];
  const { result } = answer;
  const blocks: readonly AnswerBlock[] =
    result && answer.blocks.length === 0 ? [{ type: 'text', text: '' }] : answer.blocks;
  const logprobs = tokenLogprobs(entriesOf(answer, run) ?? []);
  const first = blocks.findIndex(({ type }) => type === 'text');
  return blocks.map((block, index) => {
    const isLast = index === blocks.length - 1;
    const parts = [partOf(block, run.parsed, index === first ? logprobs : [])];
    return itemOf(run, index, block, isLast ? statusOfLast(run) : 'completed', parts);
  });
}

/** The item that is written last ends as the answer does. */
export function statusOfLast({ answers: [answer], failure }: ChoiceRun): ItemStatus {
  if (failure) return 'incomplete';
  if (!answer?.result) return 'in_progress';
  return answer.result.finishReason === 'length' ? 'incomplete' : 'completed';
}
