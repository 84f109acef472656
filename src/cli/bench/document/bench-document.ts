/**
 * A bench as one JSON document: the cells, and everything their figures depend on. Pure.
 */
import type { BenchCell, BenchReport, MachineFacts } from '../../../evaluation/bench/index.js';

export type BenchDocument = {
  readonly cells: readonly Omit<BenchCell, 'timeline'>[];
  readonly model: {
    readonly name: string;
    readonly architecture: string;
    readonly layers: number;
    readonly parameters: number;
    readonly digest: string;
  };
  readonly machine: MachineFacts;
  readonly repeats: number;
  readonly seed: number;
  /** The same for every cell of a context; runs that differ end the bench. */
  readonly firstTokens: BenchReport['firstTokens'];
  readonly notes: readonly string[];
  /** Repeats this bench, with every default written out. */
  readonly command: string;
};

type BenchFacts = Pick<BenchDocument, 'machine' | 'repeats' | 'seed' | 'notes' | 'command'>;

export function benchDocument({ model, cells, firstTokens }: BenchReport, facts: BenchFacts): BenchDocument {
  const { name, shape, parameters, digest } = model;
  return {
    cells: cells.map(({ timeline, ...cell }) => cell),
    model: { name, architecture: shape.architecture, layers: shape.layers, parameters, digest },
    firstTokens,
    ...facts,
  };
}

const PLAIN = /^[\w@%+=:,./-]+$/;

/** Words as a shell takes them. */
export function commandLine(words: readonly string[]): string {
  return words
    .map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
