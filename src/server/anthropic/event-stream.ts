/**
 * A message as a stream of events: its begin, its blocks with what is added to them, and its end.
 */
import { Blocks, type BlockStep } from '../answers/blocks.js';
import type { ChoiceEvent, ChoiceRun } from '../answers/choice-run.js';
import type { StreamFormat } from '../answers/dialect.js';
import { namedEvent, SSE_HEADERS } from '../http/sse.js';
import { STREAM_QUIET_MS } from '../requests/settings.js';
import { errorBody } from './error-body.js';
import { contentBlock, envelope, SIGNATURE, stopOf, usageOf } from './message.js';

export function messageStream(run: ChoiceRun, wantsEvents: boolean): StreamFormat {
  const blocks = new Blocks();
  const told = (steps: readonly BlockStep[]): string => steps.map(stepText).join('');
  return {
    headers: SSE_HEADERS,
    begin: () => event('message_start', { message: { ...envelope(run), usage: usageOf(run) } }),
    event: ({ parts }: ChoiceEvent) => told(parts.flatMap((part) => blocks.add(part))),
    progress: (fraction = 0, silentMs) => {
      if (wantsEvents) return namedEvent('kvr.prefill', { fraction });
      return silentMs >= STREAM_QUIET_MS ? event('ping') : '';
    },
    end: () => told(blocks.end()) + messageEnd(run),
    error: (error) => namedEvent('error', errorBody(error)),
  };
}

function messageEnd(run: ChoiceRun): string {
  const [answer] = run.answers;
  const delta = answer && stopOf(answer);
  return event('message_delta', { delta, usage: usageOf(run) }) + event('message_stop');
}

function stepText({ type, index, block, text }: BlockStep): string {
  switch (type) {
    case 'begin':
      return event('content_block_start', { index, content_block: contentBlock(block) });
    case 'grow':
      return event('content_block_delta', { index, delta: deltaOf(block.type, text) });
    case 'end': {
      const signature = { type: 'signature_delta', signature: SIGNATURE };
      const signed =
        block.type === 'reasoning' ? event('content_block_delta', { index, delta: signature }) : '';
      return signed + event('content_block_stop', { index });
    }
  }
}

function deltaOf(type: BlockStep['block']['type'], text: string): object {
  switch (type) {
    case 'text':
      return { type: 'text_delta', text };
    case 'reasoning':
      return { type: 'thinking_delta', thinking: text };
    case 'call':
      return { type: 'input_json_delta', partial_json: text };
  }
}

function event(type: string, fields: object = {}): string {
  return namedEvent(type, { type, ...fields });
}
