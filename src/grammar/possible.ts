/**
 * Which terms no text can match: a choice without options, a schema that requires itself, and whatever contains one of these. The
 * automaton never enters them, so that whatever was begun can be brought to an end.
 */
import type { Meter } from './limits/meter.js';
import type { Term } from './terms/terms.js';

/** A term, and how many of its parts must still turn out to be possible before it is. */
type Node = { readonly term: Term; readonly parents: Node[]; missing: number };

/** Looks at each part of each term twice at most. @returns the terms that can not be matched. @throws BAD_INPUT */
export function impossibleTerms(root: Term, meter: Meter): ReadonlySet<Term> {
  const nodes = nodesOf(root, meter);
  const possible = new Set<Node>();
  const ready = [...nodes.values()].filter(({ missing }) => missing === 0);
  for (let node = ready.pop(); node; node = ready.pop()) {
    if (possible.has(node)) continue;
    possible.add(node);
    for (const parent of node.parents) if (--parent.missing === 0) ready.push(parent);
  }
  return new Set([...nodes.values()].filter((node) => !possible.has(node)).map(({ term }) => term));
}

/** All terms below and with the root, each with those that it is a part of. */
function nodesOf(root: Term, meter: Meter): Map<Term, Node> {
  const nodes = new Map<Term, Node>();
  const open: Node[] = [];
  const nodeOf = (term: Term): Node => {
    const known = nodes.get(term);
    if (known) return known;
    const node: Node = { term, parents: [], missing: missingOf(term) };
    nodes.set(term, node);
    open.push(node);
    return node;
  };
  nodeOf(root);
  for (let node = open.pop(); node; node = open.pop()) {
    const children = childrenOf(node.term);
    meter.spend(1 + children.length);
    for (const child of children) nodeOf(child).parents.push(node);
  }
  return nodes;
}

function childrenOf(term: Term): readonly Term[] {
  switch (term.kind) {
    case 'sequence':
      return term.parts;
    case 'choice':
      return term.options;
    case 'repeat':
      return [term.part];
    case 'later':
      return [term.get()];
    case 'byte':
    case 'walk':
      return [];
  }
}

/** Parts that must be possible; one that never can be has one more than it has parts. */
function missingOf(term: Term): number {
  switch (term.kind) {
    case 'sequence':
      return term.parts.length;
    case 'choice':
    case 'later':
      return 1;
    case 'repeat':
      return term.min === 0 ? 0 : 1;
    case 'byte':
      return term.ranges.length > 0 ? 0 : 1;
    case 'walk':
      return 0;
  }
}
