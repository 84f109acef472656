/**
 * The `kvr` command as a user runs it: a process, what it printed, how it ended, and what it left behind.
 */
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

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

/** Command lines of running processes that name `text`, such as a test's own cache folder. Needs `ps`. */
export function processesNaming(text: string): string[] {
  const listing = execFileSync('ps', ['-A', '-o', 'stat=,args='], { encoding: 'utf8' });
  return listing.split('\n').filter((line) => line.includes(text) && !line.startsWith('Z'));
}
