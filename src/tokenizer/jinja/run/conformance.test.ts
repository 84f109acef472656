/**
 * Templates give the text that Python's Jinja gives, as transformers sets it up. test/jinja/expected.py wrote down what that is.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ChatTemplates } from '../../chat-template.js';
import type { ChatMessage } from '../../chat-template.js';

type Case = {
  readonly name: string;
  readonly source: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** What Python prints, or the error that it raises. */
  readonly expected?: string;
  readonly fails?: string;
};
type Document = {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly templates: readonly Case[];
};

const NAMES = { bos_token: undefined, eos_token: undefined, unk_token: undefined, pad_token: undefined };
const NOW = new Date(2024, 6, 4, 15, 5, 9);

function casesOf(file: string): [name: string, one: Case][] {
  const { variables, templates } = JSON.parse(
    readFileSync(new URL(`../../../../test/jinja/${file}`, import.meta.url), 'utf8'),
  ) as Document;
  return templates.map((one) => [one.name, { ...one, variables: { ...variables, ...one.variables } }]);
}

function render({ source, variables = {} }: Case): string {
  const {
    messages,
    tools,
    add_generation_prompt: addGenerationPrompt,
    bos_token,
    eos_token,
    ...args
  } = variables;
  const names = { ...NAMES, bos_token: bos_token as string, eos_token: eos_token as string };
  const options = {
    tools: tools as unknown[],
    args,
    now: NOW,
    addGenerationPrompt: addGenerationPrompt as boolean,
  };
  return new ChatTemplates(new Map([['default', source]]), names).render(messages as ChatMessage[], options);
}

test.each([...casesOf('features.json'), ...casesOf('families.json')])('%s', (_name, one) => {
  if (one.fails === undefined) expect(render(one)).toBe(one.expected);
  else expect(() => render(one)).toThrow();
});
