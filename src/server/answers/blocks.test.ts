import { expect, test } from 'vitest';
import type { AnswerPart } from './parts.js';
import { Blocks } from './blocks.js';

const CALL: AnswerPart = { type: 'call', call: { index: 0, id: 'a', name: 'f', text: '' } };
const PARTS: readonly AnswerPart[] = [
  { type: 'reasoning', text: 'wh' },
  { type: 'reasoning', text: 'y' },
  { type: 'text', text: 'so' },
  CALL,
  { type: 'arguments', index: 0, text: '{' },
  { type: 'arguments', index: 0, text: '}' },
  { ...CALL, call: { ...CALL.call, index: 1, id: 'b' } },
  { type: 'text', text: 'end' },
];

test('parts become blocks in their order, each with a begin, an end, and what came between', () => {
  const blocks = new Blocks();
  const steps = [...PARTS.flatMap((part) => blocks.add(part)), ...blocks.end(), ...blocks.end()];
  expect(blocks.all).toEqual([
    { type: 'reasoning', text: 'why' },
    { type: 'text', text: 'so' },
    { type: 'call', id: 'a', name: 'f', text: '{}' },
    { type: 'call', id: 'b', name: 'f', text: '' },
    { type: 'text', text: 'end' },
  ]);
  expect(steps.map(({ type, index, text }) => `${index} ${type} ${text}`.trim())).toEqual([
    ...['0 begin', '0 grow wh', '0 grow y', '0 end', '1 begin', '1 grow so', '1 end'],
    ...['2 begin', '2 grow {', '2 grow }', '2 end', '3 begin', '3 end', '4 begin', '4 grow end', '4 end'],
  ]);
  expect(steps.filter(({ type }) => type === 'end').map(({ block }) => block)).toEqual(blocks.all);
});
