#!/usr/bin/env node
/**
 * Entry of the `kvr` command: ties the program to the process it runs in.
 */
import { reportFailure } from './terminal/failure.js';
import { Interrupt } from './terminal/interrupt.js';
import { runProgram } from './program.js';
import { flush, outputOf, type Shell } from './terminal/shell.js';

const interrupt = new Interrupt();
interrupt.watch(process);
const shell: Shell = {
  input: process.stdin,
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  signal: interrupt.signal,
};
const argv = process.argv.slice(2);
// A defect of this program. Workers end themselves once this process is gone.
process.on('uncaughtException', (error) => {
  const style = { isJson: false, isVerbose: argv.includes('--verbose') };
  process.exit(reportFailure(error, interrupt.cause, style, shell) || 1);
});

const status = await runProgram(argv, shell, () => interrupt.cause);
await Promise.all([flush(process.stdout), flush(process.stderr)]);
// Something may still keep the process alive, such as an open pipe at standard input.
process.exit(interrupt.cause?.kind === 'unwritable' ? 1 : status);
