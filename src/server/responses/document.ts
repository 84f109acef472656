/**
 * The document of a response: what was asked, how it stands, and what came of it.
 */
import type { ChoiceRun } from '../answers/choice-run.js';
import { usageOf } from '../openai/answer-fields.js';
import { errorBody } from '../openai/error-body.js';
import { isRecord } from '../tools/json/json.js';
import { outputOf, type OutputItem } from './items.js';
import type { ResponsesRequest } from './asked.js';

type Run = ChoiceRun<ResponsesRequest>;
export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';
export type ResponseDocument = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly status: ResponseStatus;
  readonly output: readonly OutputItem[];
};

/** @param output of a stream that has sent its items already */
export function responseDocument(run: Run, output: readonly OutputItem[] = outputOf(run)): ResponseDocument {
  const { id, parsed, engine } = run;
  const status = statusOf(run);
  return {
    ...{ id, object: 'response', created_at: parsed.createdS, model: engine.model.name, status },
    ...repeated(parsed),
    ...{ background: parsed.isBackground === true, store: parsed.isStored, service_tier: 'default' },
    previous_response_id: parsed.previousId ?? null,
    error: errorOf(run),
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    output,
    usage: run.results.length > 0 ? responseUsage(run) : null,
  };
}

export function statusOf({ failure, answers, fraction, parsed }: Run): ResponseStatus {
  if (failure) return failure.code === 'CANCELLED' ? 'cancelled' : 'failed';
  const result = answers[0]?.result;
  if (!result) return parsed.isBackground && fraction === undefined ? 'queued' : 'in_progress';
  return result.finishReason === 'length' ? 'incomplete' : 'completed';
}

/** What the client asked, with the values that count where it did not. */
function repeated({ body, sampling }: ResponsesRequest): object {
  const { reasoning, text, tools, tool_choice: choice, parallel_tool_calls: isMany } = body;
  const { effort, summary } = isRecord(reasoning) ? reasoning : {};
  return {
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    metadata: body['metadata'] ?? {},
    parallel_tool_calls: isMany ?? true,
    reasoning: { effort: effort ?? null, summary: summary ?? null },
    temperature: sampling.temperature,
    text: { format: { type: 'text' }, ...(isRecord(text) && text) },
    tool_choice: choice ?? 'auto',
    tools: tools ?? [],
    top_logprobs: sampling.topLogprobs ?? 0,
    top_p: sampling.topP ?? 1,
    truncation: 'disabled',
  };
}

function errorOf(run: Run): object | null {
  if (statusOf(run) !== 'failed' || !run.failure) return null;
  const { message, code } = errorBody(run.failure).error;
  return { code, message };
}

function responseUsage(run: Run): object {
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: details } = usageOf(run);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: details.cached_tokens },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: run.answers[0]?.reasoningTokens ?? 0 },
    total_tokens: input + output,
  };
}
