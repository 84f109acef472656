/**
 * Regular expressions as trees over code points. Pure; reader.ts makes them, plain-term.ts and positions.ts read them.
 */
import type { Range } from '../terms/terms.js';

export type Tree =
  /** One character of these ranges, sorted and apart. */
  | { readonly kind: 'chars'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Tree[] }
  | { readonly kind: 'choice'; readonly options: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly part: Tree; readonly min: number; readonly max: number }
  /** Takes no character: asks what stands ahead, or behind. */
  | { readonly kind: 'look'; readonly isBehind: boolean; readonly isNegated: boolean; readonly body: Tree };

export type LookTree = Extract<Tree, { kind: 'look' }>;

export const chars = (ranges: readonly Range[]): Tree => ({ kind: 'chars', ranges });
export const inOrder = (...parts: readonly Tree[]): Tree => ({ kind: 'sequence', parts });
export const either = (...options: readonly Tree[]): Tree => ({ kind: 'choice', options });
export const times = (part: Tree, min: number, max: number): Tree => ({ kind: 'repeat', part, min, max });
export const look = (body: Tree, isBehind: boolean, isNegated: boolean): LookTree => ({
  kind: 'look',
  isBehind,
  isNegated,
  body,
});

/** What a tree is made of, the tree itself first. */
export function* within(tree: Tree): Generator<Tree> {
  const open = [tree];
  for (let one = open.pop(); one; one = open.pop()) {
    yield one;
    open.push(...partsOf(one));
  }
}

function partsOf(tree: Tree): readonly Tree[] {
  switch (tree.kind) {
    case 'chars':
      return [];
    case 'sequence':
      return tree.parts;
    case 'choice':
      return tree.options;
    case 'repeat':
      return [tree.part];
    case 'look':
      return [tree.body];
  }
}

/** A text as it is. */
export function literal(text: string): Tree {
  return inOrder(
    ...Array.from(text, (char) => {
      const point = char.codePointAt(0) ?? 0;
      return chars([[point, point]]);
    }),
  );
}
