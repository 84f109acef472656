/**
 * The ways in which families of models write calls, and which of them a chat template shows. Templates are told apart by
 * their marks: names of models say little, since most are made of others.
 */
import type { ToolFormat } from './tool-format.js';

const JSON_CALL = { type: 'json', nameKey: 'name', argumentsKey: 'arguments' } as const;

const HERMES: ToolFormat = {
  ...{ family: 'hermes', open: '<tool_call>', close: '</tool_call>' },
  ...{ syntax: JSON_CALL, isList: false, space: '\n' },
};
const QWEN_CODER: ToolFormat = { ...HERMES, family: 'qwen-coder', syntax: { type: 'elements' } };
const MISTRAL_LIST: ToolFormat = {
  ...{ family: 'mistral', open: '[TOOL_CALLS]', syntax: JSON_CALL, isList: true, space: '' },
};
const MISTRAL: ToolFormat = {
  ...{ family: 'mistral-3', open: '[TOOL_CALLS]', isList: false, space: '', inner: ['[ARGS]', '[CALL_ID]'] },
  syntax: { type: 'headed', before: '', between: '[ARGS]', behind: '' },
};
const LLAMA: ToolFormat = {
  ...{ family: 'llama-3', isList: false, space: '' },
  syntax: { type: 'json', nameKey: 'name', argumentsKey: 'parameters' },
};
const LLAMA_4: ToolFormat = { family: 'llama-4', syntax: { type: 'python' }, isList: true, space: '' };
const GRANITE: ToolFormat = {
  ...{ family: 'granite', open: '<|tool_call|>', syntax: JSON_CALL, isList: true, space: '' },
};
const PHI: ToolFormat = { ...GRANITE, family: 'phi-4', close: '<|/tool_call|>' };
const COMMAND: ToolFormat = {
  ...{ family: 'command', open: '<|START_ACTION|>', close: '<|END_ACTION|>', isList: true, space: '' },
  syntax: {
    ...{ type: 'json', nameKey: 'tool_name', argumentsKey: 'parameters' },
    lead: (index) => `"tool_call_id": "${index}", `,
  },
};
const DEEPSEEK_MARKS = {
  open: '<｜tool▁call▁begin｜>',
  close: '<｜tool▁call▁end｜>',
  around: ['<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>'],
  ...{ isList: false, space: '', inner: ['<｜tool▁sep｜>'] },
} as const;
const DEEPSEEK: ToolFormat = {
  ...{ family: 'deepseek-3', ...DEEPSEEK_MARKS },
  syntax: { type: 'headed', before: 'function<｜tool▁sep｜>', between: '\n```json\n', behind: '\n```' },
};
const DEEPSEEK_31: ToolFormat = {
  ...{ family: 'deepseek-3.1', ...DEEPSEEK_MARKS },
  syntax: { type: 'headed', before: '', between: '<｜tool▁sep｜>', behind: '' },
};
const HARMONY: ToolFormat = {
  ...{ family: 'harmony', open: '<|channel|>commentary to=functions.', close: '<|call|>', isList: false },
  ...{ space: '', inner: ['<|channel|>', '<|constrain|>', '<|message|>'] },
  syntax: { type: 'headed', before: '', between: ' <|constrain|>json<|message|>', behind: '' },
};
/** For models whose template knows no tools. */
export const GENERIC: ToolFormat = { ...HERMES, family: 'generic', isGeneric: true };

const FORMATS: readonly (readonly [ToolFormat, shows: (template: string) => boolean])[] = [
  [HARMONY, (template) => template.includes('<|channel|>') && template.includes('functions.')],
  [QWEN_CODER, (template) => template.includes('<function=')],
  [HERMES, (template) => template.includes('<tool_call>')],
  [MISTRAL, (template) => template.includes('[TOOL_CALLS]') && template.includes('[ARGS]')],
  [MISTRAL_LIST, (template) => template.includes('[TOOL_CALLS]')],
  [COMMAND, (template) => template.includes('<|START_ACTION|>')],
  [DEEPSEEK, (template) => template.includes('<｜tool▁sep｜>') && template.includes('```json')],
  [DEEPSEEK_31, (template) => template.includes('<｜tool▁sep｜>')],
  [PHI, (template) => template.includes('<|/tool_call|>')],
  [GRANITE, (template) => template.includes('<|tool_call|>')],
  [LLAMA_4, (template) => template.includes('<|python_start|>') || /\[func_name1?\(/.test(template)],
  [LLAMA, (template) => /["']?parameters["']?/.test(template) && /["']name["']/.test(template)],
];

/** @returns undefined where a template shows none of the known ways */
export function formatOf(template: string): ToolFormat | undefined {
  if (!/\btools\b/.test(template)) return undefined;
  return FORMATS.find(([, shows]) => shows(template))?.[0];
}
