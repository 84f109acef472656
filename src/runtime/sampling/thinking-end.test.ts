import { expect, test } from 'vitest';
import { thinkingLimitSchema } from '../../core/thinking-limit.js';
import { ThinkingEnd } from './thinking-end.js';

/** Pieces of text are tokens, numbered as they come. */
class Pieces {
  readonly #all: string[] = [];

  id(piece: string): number {
    const at = this.#all.indexOf(piece);
    return at >= 0 ? at : this.#all.push(piece) - 1;
  }

  bytesOf = (id: number): Uint8Array => Buffer.from(this.#all[id] ?? '', 'latin1');
  text = (id: number): string => this.#all[id] ?? '';
}
const bytes = (text: string): string => Buffer.from(text).toString('latin1');

type Fields = {
  readonly tokens: number;
  readonly isInside?: boolean;
  readonly mayReopen?: boolean;
  readonly open?: string;
};

/** What comes out of a model that would like to say these pieces, one token each, and goes on behind an end that it was made to write. */
function written(
  wanted: readonly string[],
  fields: Fields,
  end: readonly string[] = ['</t', '>', '!'],
): string[] {
  const pieces = new Pieces();
  const limit = thinkingLimitSchema.parse({
    open: '<t>',
    close: '</t>',
    endIds: end.map((one) => pieces.id(one)),
    ...fields,
  });
  const heard: string[] = [];
  const inner = { restrict: () => undefined, accept: (id: number) => void heard.push(pieces.text(id)) };
  const constraint = new ThinkingEnd(limit, pieces.bytesOf, inner);
  for (const piece of wanted) {
    for (;;) {
      const logits = new Float32Array(50);
      const id = pieces.id(piece);
      logits[id] = 1;
      constraint.restrict(logits);
      const best = logits.findIndex((logit) => logit === Math.max(...logits));
      constraint.accept(best);
      if (best === id && Number.isFinite(logits[best === 0 ? 1 : 0])) break;
      if (heard.length > 40) throw new Error('it does not end');
    }
  }
  return heard;
}

test('after so many tokens of thinking the end is written, whole, and the answer goes on', () => {
  expect(written(['<t>', 'a', 'b', 'c', 'd'], { tokens: 2 })).toEqual([
    '<t>',
    'a',
    'b',
    '</t',
    '>',
    '!',
    'c',
    'd',
  ]);
  expect(written(['<', 't', '>', 'a', 'b'], { tokens: 1 })).toEqual([
    '<',
    't',
    '>',
    'a',
    '</t',
    '>',
    '!',
    'b',
  ]);
  expect(written(['a', 'b', 'c'], { tokens: 2, isInside: true })).toEqual(['a', 'b', '</t', '>', '!', 'c']);
});

test('0 leaves no thinking', () => {
  expect(written(['a', 'b'], { tokens: 0, isInside: true })).toEqual(['</t', '>', '!', 'a', 'b']);
  expect(written(['<t>', 'a'], { tokens: 0 })).toEqual(['<t>', '</t', '>', '!', 'a']);
});

test.each([
  ['thinking that ends by itself', ['<t>', 'a', '</t>', 'b', 'c', 'd']],
  ['its mark cut into tokens', ['<t>', 'a', '</', 't>b', 'c', 'd', 'e']],
  ['an answer without thinking', ['a', '<t>', 'b', 'c', 'd', 'e']],
])('%s is left alone', (_, pieces) => {
  expect(written(pieces, { tokens: 3 })).toEqual(pieces);
});

test('a character is not cut in two', () => {
  const [first = '', second = '', third = ''] = bytes('日');
  expect(written(['<t>', first, second, third, 'a'], { tokens: 1 })).toEqual([
    '<t>',
    first,
    second,
    third,
    '</t',
    '>',
    '!',
    'a',
  ]);
});

test('where thinking may begin again, all of it counts together', () => {
  const pieces = ['<t>', 'a', '</t>', 'say', '<t>', 'b', 'c'];
  const out = ['<t>', 'a', '</t>', 'say', '<t>', '</t', '>', '!', 'b', 'c'];
  expect(written(pieces, { tokens: 2, mayReopen: true })).toEqual(out);
});

test('a special token is known by its name', () => {
  const pieces = ['\xff<t>', 'a', 'b'];
  expect(written(pieces, { tokens: 1 })).toEqual(['\xff<t>', 'a', '</t', '>', '!', 'b']);
});

test('an answer that is taken up goes on where it stood', () => {
  const pieces = new Pieces();
  const limit = thinkingLimitSchema.parse({
    tokens: 1,
    open: '<t>',
    close: '</t>',
    endIds: [pieces.id('</t>'), pieces.id('!')],
  });
  const constraint = new ThinkingEnd(limit, pieces.bytesOf);
  for (const piece of ['<t>', 'a', '</t>']) constraint.accept(pieces.id(piece));
  const logits = new Float32Array(4);
  constraint.restrict(logits);
  expect([...logits]).toEqual([-Infinity, 0, -Infinity, -Infinity]);
});
