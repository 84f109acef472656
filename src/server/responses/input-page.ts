/**
 * GET /v1/responses/ID/input_items: the items of a request, page by page, the newest first unless asked otherwise.
 */
import { bad } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';
import { ID_PREFIX } from './items.js';

type Query = Readonly<Record<string, string>>;
const DEFAULT_ITEMS = 20;
const MAX_ITEMS = 100;

/** @throws BAD_INPUT */
export function inputPage(input: readonly unknown[], responseId: string, query: Query): object {
  const { order = 'desc', after } = query;
  if (order !== 'asc' && order !== 'desc') throw bad('order must be asc or desc', 'order');
  const items = input.map((item, index) =>
    withId(item, `item_${responseId.slice(ID_PREFIX.length)}_${index}`),
  );
  if (order === 'desc') items.reverse();
  const rest = after === undefined ? items : items.slice(items.findIndex(({ id }) => id === after) + 1);
  const data = rest.slice(0, limitOf(query));
  return {
    ...{ object: 'list', data, has_more: rest.length > data.length },
    ...{ first_id: data.at(0)?.id ?? null, last_id: data.at(-1)?.id ?? null },
  };
}

/** Items have the id that the client gave them, or one of ours. */
function withId(item: unknown, id: string): Readonly<Record<string, unknown>> & { readonly id: unknown } {
  const fields = isRecord(item) ? item : {};
  const { content } = fields;
  const text = typeof content === 'string' ? [{ type: 'input_text', text: content }] : content;
  return { id, type: 'message', ...fields, ...(text !== undefined && { content: text }) };
}

function limitOf({ limit }: Query): number {
  if (limit === undefined) return DEFAULT_ITEMS;
  const items = Number(limit);
  if (Number.isInteger(items) && items >= 1 && items <= MAX_ITEMS) return items;
  throw bad(`limit must be a whole number of 1 to ${MAX_ITEMS}`, 'limit');
}
