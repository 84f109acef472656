/**
 * What a command is, as data. Each has a file of its own and a line in commands.ts; program.ts gives it to the
 * parser.
 */
import type { Argument, Option } from 'commander';
import type { OutputFlags } from '../flags/index.js';
import type { Shell } from '../terminal/shell.js';

export type Command<Flags extends OutputFlags = OutputFlags> = {
  readonly argument?: () => Argument;
  /** Every option of `Flags`, whose parsers give values of its types. */
  readonly flags: () => readonly Option[];
  /** Shown below the flags: what the output is, and examples. */
  readonly epilogue: string;
  /** Does it. @throws KvrError; whatever was started is ended before. */
  run(flags: Flags, argument: string | undefined, shell: Shell): Promise<void>;
};
