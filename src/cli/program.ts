/**
 * The `kvr` command: finds the subcommand, has its flags parsed, runs it, and turns the outcome into an exit status.
 */
import { Command as Parser, CommanderError } from 'commander';
import { KvrError } from '../core/errors.js';
import { bench } from './bench/bench.js';
import { chat } from './chat/chat.js';
import type { Command } from './run/command.js';
import { demo } from './demo/demo.js';
import { reportFailure } from './terminal/failure.js';
import { generate } from './generate/generate.js';
import { inspect } from './inspect/inspect.js';
import type { StopCause } from './terminal/interrupt.js';
import { oneLine } from './terminal/format.js';
import { models } from './models/models.js';
import { plan } from './plan/plan.js';
import { pull } from './pull/pull.js';
import { serve } from './serve/serve.js';
import type { Shell } from './terminal/shell.js';
import { simulateCommand } from './simulate/simulate.js';
import { packageVersion } from './terminal/version.js';
import { worker } from './worker/worker.js';

const COMMANDS: readonly Command<never>[] = [
  generate,
  chat,
  serve,
  pull,
  models,
  inspect,
  demo,
  plan,
  bench,
  simulateCommand,
  worker,
];

const EPILOGUE = `
Begin with:
  kvr demo
  kvr generate --model quote --prompt-file YOUR-TEXT.txt --workers 2
  kvr pull Qwen/Qwen3-0.6B && kvr chat --model Qwen/Qwen3-0.6B
  kvr COMMAND --help

Exit status: 0 done, 1 failed, 2 wrong usage or bad input, 130 interrupted.
Answers and documents go to stdout; progress, pictures and errors go to stderr.`;

/** Runs one command line. @returns the exit status */
export async function runProgram(
  argv: readonly string[],
  shell: Shell,
  stopCause: () => StopCause | undefined,
): Promise<number> {
  try {
    await parserFor(shell).parseAsync([...argv], { from: 'user' });
    // The output may have failed while the last words were written.
    return stopCause() ? reportFailure(undefined, stopCause(), styleOf(argv), shell) : 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportFailure(usageError(error, argv), stopCause(), styleOf(argv), shell);
  }
}

function parserFor(shell: Shell): Parser {
  const parser = new Parser('kvr')
    .description('Answers long prompts sooner: the prompt phase of a language model over a chain of workers.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      // Errors are thrown, and reported in one line where they are caught.
      writeErr: () => undefined,
    })
    .addHelpText('after', EPILOGUE)
    .allowExcessArguments(true)
    .action(() => {
      const [unknown] = parser.args;
      const fault =
        unknown === undefined ? 'no command is given' : `there is no command "${unknown.slice(0, 40)}"`;
      throw new KvrError(
        'BAD_INPUT',
        `${fault}; give one of ${COMMANDS.map(({ name }) => name).join(', ')}, or --help`,
      );
    });
  for (const command of COMMANDS) addCommand(parser, command, shell);
  return parser;
}

function addCommand(parser: Parser, command: Command<never>, shell: Shell): void {
  const sub = parser
    .command(command.name)
    .description(command.summary)
    .helpOption('-h, --help', 'print this');
  sub.allowExcessArguments(false);
  const argument = command.argument?.();
  if (argument) sub.addArgument(argument);
  for (const option of command.flags()) sub.addOption(option);
  sub.addHelpText('after', `\n${command.epilogue}`);
  sub.action(() => command.run(sub.opts<never>(), sub.args[0], shell));
}

/** Turns the parser's errors into BAD_INPUT: one line, exit status 2. */
function usageError(error: unknown, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  const message = oneLine(error.message.replace(/^error: /, '')).replace(/\.$/, '');
  const command = COMMANDS.find(({ name }) => name === argv[0]);
  return new KvrError(
    'BAD_INPUT',
    `${message}; see kvr ${command ? `${command.name} ` : ''}--help`,
    {},
    error,
  );
}

/** Read from the words themselves, because a command line with a mistake can not be parsed. */
function styleOf(argv: readonly string[]): { isJson: boolean; isVerbose: boolean } {
  const end = argv.indexOf('--');
  const flags: readonly string[] = end < 0 ? argv : argv.slice(0, end);
  return { isJson: flags.includes('--json'), isVerbose: flags.includes('--verbose') };
}
