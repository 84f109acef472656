/**
 * What a chat template reads, where a client says it by a parameter of its own instead of in chat_template_kwargs.
 */
import { isRecord } from '../tools/json/json.js';

const ARGS = 'chat_template_kwargs';

/** By parameter, the argument that a value means; undefined where it means none. The later ones go first. */
const MEANINGS: Readonly<Record<string, (value: unknown) => object | undefined>> = {
  thinking: thinkingOf,
  think: thinkingOf,
  enable_thinking: thinkingOf,
  reasoning: (value) => (isRecord(value) ? effortOf(value['effort']) : undefined),
  reasoning_effort: effortOf,
};

/** @returns the body with what these parameters mean among the template's arguments; those that mean nothing stay where they are */
export function withTemplateArgs(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = body[ARGS] ?? {};
  const rest: Record<string, unknown> = { ...body };
  // What is no record is refused by its own name.
  if (!isRecord(given)) return rest;
  const asked = {};
  for (const [name, meaning] of Object.entries(MEANINGS)) {
    const meant = meaning(body[name]);
    if (!meant) continue;
    Object.assign(asked, meant);
    delete rest[name];
  }
  return Object.keys(asked).length > 0 ? { ...rest, [ARGS]: { ...asked, ...given } } : rest;
}

function effortOf(value: unknown): object | undefined {
  return typeof value === 'string' ? { reasoning_effort: value } : undefined;
}

/** true, false, or an object with a type, as Anthropic's API has it. */
function thinkingOf(value: unknown): object | undefined {
  if (typeof value === 'boolean') return { enable_thinking: value };
  return isRecord(value) ? { enable_thinking: value['type'] !== 'disabled' } : undefined;
}
