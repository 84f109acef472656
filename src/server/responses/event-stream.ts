/**
 * A response as a stream of events, each with its number: of the response, of its items, of their parts, and of what is added to them.
 */
import { Blocks, type BlockStep } from '../answers/blocks.js';
import type { ChoiceEvent, ChoiceRun } from '../answers/choice-run.js';
import type { StreamFormat } from '../answers/dialect.js';
import { comment, namedEvent, SSE_HEADERS } from '../http/sse.js';
import { LogprobEntries, tokenLogprobs } from '../openai/logprobs.js';
import { STREAM_QUIET_MS } from '../requests/settings.js';
import { responseDocument, statusOf } from './document.js';
import { itemId, itemOf, type OutputItem, partOf, statusOfLast, textPart, wantsSummary } from './items.js';
import type { ResponsesRequest } from './asked.js';

type Run = ChoiceRun<ResponsesRequest>;

export function responseStream(run: Run, wantsEvents: boolean): StreamFormat {
  const stream = new ResponseStream(run);
  return {
    headers: SSE_HEADERS,
    begin: () => stream.begin(),
    event: (event) => stream.event(event),
    progress: (fraction = 0, silentMs) => {
      if (wantsEvents) return namedEvent('kvr.prefill', { fraction });
      return silentMs >= STREAM_QUIET_MS ? comment('at work') : '';
    },
    end: () => stream.end(),
    error: () => stream.fail(),
  };
}

class ResponseStream {
  readonly #run: Run;
  readonly #blocks = new Blocks();
  readonly #output: OutputItem[] = [];
  readonly #entries: LogprobEntries;
  /** Probabilities of all tokens so far, and those that no event has told of yet. */
  readonly #logprobs: object[] = [];
  #untold: object[] = [];
  #number = 0;

  constructor(run: Run) {
    this.#run = run;
    this.#entries = new LogprobEntries(run.engine.model.tokenizer);
  }

  begin(): string {
    const response = { ...responseDocument(this.#run, []), status: 'in_progress' };
    return this.#send('created', { response }) + this.#send('in_progress', { response });
  }

  event({ event, parts }: ChoiceEvent): string {
    if (event.type === 'token' && event.logprobs) {
      const entry = this.#entries.add({ id: event.id, logprobs: event.logprobs });
      const told = tokenLogprobs(entry ? [entry] : []);
      this.#logprobs.push(...told);
      this.#untold.push(...told);
    }
    return parts
      .flatMap((part) => this.#blocks.add(part))
      .map((step) => this.#step(step))
      .join('');
  }

  end(): string {
    const empty = this.#blocks.all.length === 0 ? this.#blocks.add({ type: 'text', text: '' }) : [];
    const rest = [...empty, ...this.#blocks.end()].map((step) => this.#step(step)).join('');
    return rest + this.#sendLast(statusOf(this.#run) === 'incomplete' ? 'incomplete' : 'completed');
  }

  fail(): string {
    return this.#sendLast('failed');
  }

  #sendLast(type: string): string {
    return this.#send(type, { response: responseDocument(this.#run, this.#output) });
  }

  #step(step: BlockStep): string {
    switch (step.type) {
      case 'begin':
        return this.#beginItem(step);
      case 'grow':
        return this.#growItem(step);
      case 'end':
        return this.#endItem(step);
    }
  }

  #beginItem({ index, block }: BlockStep): string {
    const item = itemOf(this.#run, index, block, 'in_progress', []);
    const added = this.#send('output_item.added', { output_index: index, item });
    if (block.type === 'call') return added;
    return added + this.#sendOfPart('added', { index, block, part: partOf(block, this.#run.parsed) });
  }

  #growItem({ index, block, text: delta }: BlockStep): string {
    const place = this.#placeOf(index, block.type);
    if (block.type !== 'text') return this.#send(`${this.#growing(block.type)}.delta`, { ...place, delta });
    const logprobs = this.#untold;
    this.#untold = [];
    return this.#send('output_text.delta', { ...place, delta, logprobs });
  }

  #endItem({ index, block }: BlockStep): string {
    const place = this.#placeOf(index, block.type);
    const isLast = index === this.#blocks.all.length - 1;
    const status = isLast && this.#run.answers[0]?.result ? statusOfLast(this.#run) : 'completed';
    if (block.type === 'call') {
      const item = this.#keep(itemOf(this.#run, index, block, status, []));
      const done = { ...place, name: block.name, arguments: block.text };
      return this.#send('function_call_arguments.done', done) + this.#sendItem(index, item);
    }
    const isFirstText = block.type === 'text' && !this.#output.some(({ type }) => type === 'message');
    const part = isFirstText ? textPart(block.text, this.#logprobs) : partOf(block, this.#run.parsed);
    const item = this.#keep(itemOf(this.#run, index, block, status, [part]));
    const done = { ...place, text: block.text, ...(block.type === 'text' && { logprobs: part['logprobs'] }) };
    return (
      this.#send(`${this.#growing(block.type)}.done`, done) +
      this.#sendOfPart('done', { index, block, part }) +
      this.#sendItem(index, item)
    );
  }

  #keep(item: OutputItem): OutputItem {
    this.#output.push(item);
    return item;
  }

  #sendItem(index: number, item: OutputItem): string {
    return this.#send('output_item.done', { output_index: index, item });
  }

  #sendOfPart(
    what: string,
    { index, block, part }: Pick<BlockStep, 'index' | 'block'> & { part: object },
  ): string {
    const isSummary = block.type === 'reasoning' && wantsSummary(this.#run.parsed);
    const type = isSummary ? 'reasoning_summary_part' : 'content_part';
    return this.#send(`${type}.${what}`, { ...this.#placeOf(index, block.type), part });
  }

  /** Of what a delta adds to. */
  #growing(type: BlockStep['block']['type']): string {
    if (type === 'text') return 'output_text';
    if (type === 'call') return 'function_call_arguments';
    return wantsSummary(this.#run.parsed) ? 'reasoning_summary_text' : 'reasoning_text';
  }

  #placeOf(index: number, type: BlockStep['block']['type']): object {
    const item = { item_id: itemId(this.#run.id, type, index), output_index: index };
    if (type === 'call') return item;
    const isSummary = type === 'reasoning' && wantsSummary(this.#run.parsed);
    return { ...item, ...(isSummary ? { summary_index: 0 } : { content_index: 0 }) };
  }

  #send(event: string, fields: object): string {
    const type = `response.${event}`;
    return namedEvent(type, { type, sequence_number: this.#number++, ...fields });
  }
}
