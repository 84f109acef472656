/**
 * The `kvr` command as a user runs it: a process, what it printed, how it ended, and what it left behind. The same program
 * within the test's own process, for the many cases that differ in their arguments alone: a process costs a second.
 */
import { execFileSync, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../src/cli/program.js';
import type { Output } from '../../src/cli/terminal/shell.js';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export type KvrRun = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

export type KvrOptions = { readonly input?: string | Uint8Array; readonly env?: NodeJS.ProcessEnv };

/** Runs to the end; standard input holds `input`, or nothing. */
export function runKvr(args: readonly string[], { input = '', env }: KvrOptions = {}): Promise<KvrRun> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: { ...process.env, ...env },
    stdio: 'pipe',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command that refuses its flags does not wait for its input.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs to the end without a process of its own; its environment is the test's. */
export async function runKvrHere(
  args: readonly string[],
  { input = '' }: Pick<KvrOptions, 'input'> = {},
): Promise<KvrRun> {
  const [stdout, stderr] = [keptOutput(), keptOutput()];
  const shell = {
    input: Readable.from(input.length === 0 ? [] : [Buffer.from(input)]),
    stdout,
    stderr,
    signal: new AbortController().signal,
  };
  const status = await runProgram(args, shell, () => undefined);
  return { status, stdout: stdout.text(), stderr: stderr.text() };
}

function keptOutput(): Output & { text(): string } {
  let kept = '';
  const write = (text: string): void => void (kept += text);
  return { write, isTerminal: false, columns: 80, hasColours: false, text: () => kept };
}

/** Command lines of running processes that name `text`, such as a test's own cache folder. Needs `ps`. */
export function processesNaming(text: string): string[] {
  const listing = execFileSync('ps', ['-A', '-o', 'stat=,args='], { encoding: 'utf8' });
  return listing.split('\n').filter((line) => line.includes(text) && !line.startsWith('Z'));
}
