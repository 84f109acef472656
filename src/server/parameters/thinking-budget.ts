/**
 * How long a model may think, in the words of every API that has some: one field of their body after this.
 */
import { bad } from '../requests/refusal.js';
import { isRecord } from '../tools/json/json.js';

/** As Qwen's API calls it; what the body has after reading. */
const BUDGET = 'thinking_budget';
/** vLLM, llama.cpp. */
const PLAIN = [BUDGET, 'thinking_token_budget', 'reasoning_budget', 'thinking_budget_tokens'];
/** OpenRouter's `reasoning`, Anthropic's `thinking`. */
const NESTED = [
  ['reasoning', 'max_tokens'],
  ['thinking', 'budget_tokens'],
] as const;
const MAX_BUDGET = 1_000_000;

/** @returns the body with the one field; -1 asks for no limit, and 0 for no thinking, which the template is told too. @throws BAD_INPUT */
export function withBudget(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const rest: Record<string, unknown> = { ...body };
  let budget: number | undefined;
  const note = (value: unknown, name: string): void => {
    if (value !== undefined && value !== null) budget ??= checked(value, name);
  };
  for (const name of PLAIN) {
    note(rest[name], name);
    delete rest[name];
  }
  for (const [name, part] of NESTED) {
    const given = rest[name];
    if (!isRecord(given) || !(part in given)) continue;
    const { [part]: value, ...others } = given;
    note(value, `${name}.${part}`);
    if (Object.keys(others).length > 0) rest[name] = others;
    else delete rest[name];
  }
  if (budget === undefined || budget < 0) return rest;
  return { ...(budget === 0 && { enable_thinking: false }), ...rest, [BUDGET]: budget };
}

function checked(value: unknown, name: string): number {
  const isBudget =
    typeof value === 'number' && Number.isSafeInteger(value) && value >= -1 && value <= MAX_BUDGET;
  if (isBudget) return value;
  throw bad(`${name} must be a whole number of tokens of at most ${MAX_BUDGET}, or -1 for no limit`, name);
}
