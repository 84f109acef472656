/**
 * Runs one benchmark by name: parses its flags, runs it, prints its report, and turns the outcome into an exit status.
 */
import { Command as Parser, CommanderError, Option } from 'commander';
import { oneLine } from '../../src/cli/terminal/format.js';
import { exitStatus, KvrError } from '../../src/core/errors.js';
import type { Benchmark } from './benchmark.js';
import { benchMachine } from './machine.js';
import { reportDocument, reportText } from './output.js';

export type Output = { readonly stdout: (text: string) => void; readonly stderr: (text: string) => void };

/** Of `Benchmark`, without the type of its flags. */
export type AnyBenchmark = Benchmark<never>;

/** A benchmark takes one line of the list. */
const HELP_WIDTH = 120;
const INTRODUCTION = 'Benchmarks of this package: npm run bench -- NAME [flags]';
const EPILOGUE = `
npm run bench -- NAME --help shows a benchmark's flags and their defaults.
Exit status: 0 done, 1 failed or a goal missed, 2 wrong usage.`;

/** @returns the exit status */
export async function runProgram(
  argv: readonly string[],
  benchmarks: readonly AnyBenchmark[],
  output: Output,
): Promise<number> {
  let status = 0;
  const onDone = (code: number): void => void (status = code);
  try {
    await parserFor(benchmarks, argv, output, onDone).parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportFailure(error, output);
  }
}

function parserFor(
  benchmarks: readonly AnyBenchmark[],
  argv: readonly string[],
  output: Output,
  onDone: (status: number) => void,
): Parser {
  const parser = new Parser('npm run bench --')
    .description(INTRODUCTION)
    .usage('NAME [flags]')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: output.stdout, writeErr: () => undefined })
    .configureHelp({ subcommandTerm: (command) => command.name(), helpWidth: HELP_WIDTH })
    .addHelpText('after', EPILOGUE)
    .allowExcessArguments(true)
    .action(() => {
      const [unknown] = parser.args;
      if (unknown === undefined) return parser.outputHelp();
      const names = benchmarks.map(({ name }) => name).join(', ');
      throw new KvrError(
        'BAD_INPUT',
        `there is no benchmark "${unknown.slice(0, 40)}"; give one of ${names}`,
      );
    });
  for (const benchmark of benchmarks) addBenchmark(parser, benchmark, argv, output, onDone);
  return parser;
}

function addBenchmark(
  parser: Parser,
  benchmark: AnyBenchmark,
  argv: readonly string[],
  output: Output,
  onDone: (status: number) => void,
): void {
  const { name, summary, details, flags } = benchmark;
  const sub = parser.command(name).description(summary).usage('[flags]').allowExcessArguments(false);
  sub.helpOption('-h, --help', 'print this');
  for (const option of flags()) sub.addOption(option);
  sub.addOption(new Option('--json', 'print one JSON document instead of tables'));
  sub.addHelpText('after', `\n${details}`);
  sub.action(async () => {
    const { json, ...options } = sub.opts<{ json?: true }>();
    const note = (text: string): void => output.stderr(`bench ${name}: ${oneLine(text)}\n`);
    const report = await benchmark.run(options as never, { note });
    const finished = { benchmark, words: wordsAfter(name, argv), options, machine: benchMachine(), report };
    output.stdout(json ? reportDocument(finished) : reportText(finished));
    for (const missed of report.missed ?? []) note(`goal missed: ${missed}`);
    onDone((report.missed ?? []).length === 0 ? 0 : 1);
  });
}

/** What follows the name on the command line; how the report is printed does not belong to what was measured. */
function wordsAfter(name: string, argv: readonly string[]): string[] {
  return argv.slice(argv.indexOf(name) + 1).filter((word) => word !== '--json');
}

/** Wrong usage in one line; a failure of the program itself with its stack. */
function reportFailure(error: unknown, { stderr }: Output): number {
  if (error instanceof CommanderError) {
    const message = oneLine(error.message.replace(/^error: /, '')).replace(/\.$/, '');
    stderr(`bench: ${message}; see npm run bench -- NAME --help\n`);
    return 2;
  }
  const isOurs = error instanceof KvrError;
  stderr(
    `bench: ${isOurs ? oneLine(error.message) : error instanceof Error ? error.stack : String(error)}\n`,
  );
  return exitStatus(error);
}
