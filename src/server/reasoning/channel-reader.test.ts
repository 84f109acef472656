import { expect, test } from 'vitest';
import { ChannelReader } from './channel-reader.js';

function read(pieces: readonly string[]): [thoughts: string, text: string] {
  const reader = new ChannelReader();
  const parts = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
  const of = (type: string) => parts.map((part) => (part.type === type ? part.text : '')).join('');
  return [of('reasoning'), of('text')];
}

const CALL = '<|channel|>commentary to=functions.f<|message|>{"a": 1}<|call|>';

test.each<[answer: string, thoughts: string, text: string]>([
  ['<|channel|>analysis<|message|>a < b<|end|><|start|>assistant<|channel|>final<|message|>So <|x.<|return|>', 'a < b', 'So <|x.'],
  ['<|channel|>final<|message|>Hi', '', 'Hi'],
  ['<|channel|>analysis<|message|>not ended <|en', 'not ended <|en', ''],
  ['<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1}<|call|>', '', CALL],
  [' to=functions.f<|channel|>commentary json<|message|>{"a": 1}<|call|>', '', CALL],
  ['<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant to=functions.f<|channel|>commentary<|message|>{"a": 1}', 'x', `I look.${CALL.replace('<|call|>', '')}`],
  ['plain text', '', 'plain text'],
  ['<|channel|>ana', '', ''],
])('%j', (answer, thoughts, text) => {
  const halves = Array.from(answer, (_, at) => [answer.slice(0, at), answer.slice(at)]);
  for (const pieces of [[answer], [...answer], ...halves])
    expect([pieces, read(pieces)]).toEqual([pieces, [thoughts, text]]);
}); // prettier-ignore
