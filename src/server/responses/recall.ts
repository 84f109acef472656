/**
 * What one request remembers of earlier responses: each of them is read once, however often it is named, and all of them together are
 * bounded as a body is.
 */
import { KvrError } from '../../core/errors.js';
import type { ResponseDocument } from './document.js';
import { type OutputItem, responseIdOf } from './items.js';
import { type Kept, missing, type ResponseStore } from './store.js';

/** As many as the body of a request may have unless told otherwise: reading them back takes as long as reading that. */
export const MAX_RECALLED_CHARS = 8 * 2 ** 20;

type Remembered = {
  readonly input: readonly unknown[];
  readonly output: readonly OutputItem[];
  readonly itemsById: ReadonlyMap<string, OutputItem>;
  readonly previousId: string | undefined;
};

export class Recall {
  readonly #store: ResponseStore;
  readonly #maxChars: number;
  readonly #read = new Map<string, Remembered>();
  #chars = 0;

  constructor(store: ResponseStore, maxChars = MAX_RECALLED_CHARS) {
    this.#store = store;
    this.#maxChars = maxChars;
  }

  /** All items of a conversation, up to and with what the response says. @throws NOT_FOUND, PROMPT_TOO_LONG */
  conversation(lastId: string): unknown[] {
    const row: Remembered[] = [];
    for (let id: string | undefined = lastId; id !== undefined; id = row.at(-1)?.previousId)
      row.push(this.#remember(id, 'previous_response_id'));
    return row.reverse().flatMap(({ input, output }) => [...input, ...output]);
  }

  /** An item that the model wrote. @param param place of the id in the request. @throws NOT_FOUND, PROMPT_TOO_LONG */
  item(id: unknown, param: string): unknown {
    const name = String(id);
    const item = this.#remember(responseIdOf(name) ?? name, param).itemsById.get(name);
    if (item) return item;
    throw missing(name, param);
  }

  #remember(id: string, param: string): Remembered {
    const known = this.#read.get(id);
    if (known) return known;
    const kept = this.#store.find(id, param);
    this.#take(kept, param);
    const { output } = JSON.parse(kept.response) as ResponseDocument;
    const remembered = {
      ...{ input: JSON.parse(kept.input) as unknown[], output, previousId: kept.previousId },
      itemsById: new Map(output.map((item) => [item.id, item])),
    };
    this.#read.set(id, remembered);
    return remembered;
  }

  #take({ response, input }: Kept, param: string): void {
    this.#chars += response.length + input.length;
    if (this.#chars <= this.#maxChars) return;
    const message = `the earlier responses have more than ${this.#maxChars} characters, the limit; begin anew, or send fewer items`;
    throw new KvrError('PROMPT_TOO_LONG', message, { param });
  }
}
