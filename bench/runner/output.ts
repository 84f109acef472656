/**
 * A report as text for people or as one JSON document. Pure.
 */
import { commandLine } from '../../src/cli/bench/document/bench-document.js';
import type { Benchmark, Report } from './benchmark.js';
import { type BenchMachine, machineLine } from './machine.js';
import type { Table } from './table.js';

export type Finished = {
  readonly benchmark: Pick<Benchmark, 'name' | 'summary'>;
  /** What was typed after the benchmark's name. */
  readonly words: readonly string[];
  /** Values of all flags, defaults included. */
  readonly options: object;
  readonly machine: BenchMachine;
  readonly report: Report;
};

/** One line: { benchmark, command, options, machine, tables: [ { name, title, label, rows } ], notes, missed }. */
export function reportDocument({ benchmark, words, options, machine, report }: Finished): string {
  const { tables, notes = [], missed = [] } = report;
  return `${JSON.stringify({
    benchmark: benchmark.name,
    command: commandOf(benchmark, words),
    options,
    machine,
    tables: tables.map(({ lines, ...table }) => table),
    notes,
    missed,
  })}\n`;
}

export function reportText({ benchmark, words, machine, report }: Finished): string {
  const { tables, notes = [], missed = [] } = report;
  const lines = [
    `${benchmark.name}: ${benchmark.summary}`,
    machineLine(machine),
    commandOf(benchmark, words),
    ...tables.flatMap(tableLines),
    ...paragraph(notes),
    ...paragraph(missed.map((text) => `Goal missed: ${text}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function commandOf({ name }: Pick<Benchmark, 'name'>, words: readonly string[]): string {
  return commandLine(['npm', 'run', 'bench', '--', name, ...words]);
}

function tableLines({ title, label, lines }: Table): string[] {
  return ['', `${title} (${label})`, '', ...lines];
}

function paragraph(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}
