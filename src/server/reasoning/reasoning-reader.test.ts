import { expect, test } from 'vitest';
import { ReasoningReader } from './reasoning-reader.js';

const FORMAT = { open: '<think>', close: '</think>' };

function read(pieces: readonly string[], isInside: boolean): [thoughts: string, text: string] {
  const reader = new ReasoningReader(FORMAT, isInside);
  const parts = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
  const of = (type: string) => parts.map((part) => (part.type === type ? part.text : '')).join('');
  return [of('reasoning'), of('text')];
}

test.each<[answer: string, isInside: boolean, thoughts: string, text: string]>([
  ['<think>\na b\n</think>\n\nc', false, 'a b', 'c'],
  ['a b\n</think>\n\nc', true, 'a b', 'c'],
  ['<think>\na</think>c', true, 'a', 'c'],
  ['<think>\n\n</think>\n\nc', false, '', 'c'],
  ['<think>a < b </thin </think>日🙂', false, 'a < b </thin', '日🙂'],
  ['<think>not closed </th', false, 'not closed </th', ''],
  ['say `<think>x</think>`', false, '', 'say `<think>x</think>`'],
  ['<think>a</think>b <think>c</think>', false, 'a', 'b <think>c</think>'],
  ['<thin', false, '', '<thin'],
  [' plain ', false, '', ' plain '],
])('%j, inside: %j', (answer, isInside, thoughts, text) => {
  const halves = Array.from(answer, (_, at) => [answer.slice(0, at), answer.slice(at)]);
  for (const pieces of [[answer], [...answer], ...halves])
    expect([pieces, read(pieces, isInside)]).toEqual([pieces, [thoughts, text]]);
});
