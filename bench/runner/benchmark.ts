/**
 * What a benchmark is, as data. Each is a file or folder of its own; registry.ts lists them, program.ts runs one.
 */
import type { Option } from 'commander';
import type { Table } from './table.js';

export type Benchmark<Flags extends object = object> = {
  /** As it is typed: npm run bench -- NAME. */
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** Shown below the flags: how it is measured, and when a goal counts as missed. */
  readonly details: string;
  /** Every option of `Flags`, whose parsers give values of its types. */
  readonly flags: () => readonly Option[];
  /** Ends whatever it starts, also when it fails. @throws KvrError for what the user can put right */
  run(flags: Flags, context: BenchContext): Promise<Report>;
};

export type BenchContext = {
  /** Tells on stderr how far the benchmark is. */
  readonly note: (text: string) => void;
};

export type Report = {
  readonly tables: readonly Table[];
  /** Whole sentences that stand below the tables. */
  readonly notes?: readonly string[];
  /** Goals that were missed, a sentence each: with any, the exit status is 1. */
  readonly missed?: readonly string[];
};
