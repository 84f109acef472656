/**
 * The `kvr` command: finds the subcommand, has its flags parsed, runs it, and turns the outcome into an exit status.
 */
import { Command as Parser, CommanderError } from 'commander';
import { KvrError } from '../core/errors.js';
import { type CommandEntry, COMMANDS } from './commands.js';
import { reportFailure } from './terminal/failure.js';
import type { StopCause } from './terminal/interrupt.js';
import { oneLine } from './terminal/format.js';
import type { Shell } from './terminal/shell.js';
import { packageVersion } from './terminal/version.js';

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
  for (const { name, summary } of COMMANDS)
    parser
      .command(name)
      .description(summary)
      .helpOption('-h, --help', 'print this')
      .allowExcessArguments(false);
  return parser
    .configureHelp({ subcommandTerm: (sub) => listTerm(entryOf(sub.name())) })
    .hook('preSubcommand', (_, sub) => completeCommand(sub, entryOf(sub.name()), shell));
}

/** @throws INTERNAL: the parser knows no other commands */
function entryOf(name: string): CommandEntry {
  const entry = COMMANDS.find((each) => each.name === name);
  if (!entry) throw new KvrError('INTERNAL', `there is no command ${name}`);
  return entry;
}

function listTerm({ name, argument }: CommandEntry): string {
  return `${name} [options]${argument ? ` ${argument}` : ''}`;
}

/** Gives the command that was asked for what only its own files know. */
async function completeCommand(sub: Parser, { load }: CommandEntry, shell: Shell): Promise<void> {
  const command = await load();
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
