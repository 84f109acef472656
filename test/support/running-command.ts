/**
 * A `kvr` command as a user starts it and leaves running: what it has said so far, and how it ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

export const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** `kvr` itself, unless it is started by something else. */
type Started = {
  readonly program?: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
};

export class RunningCommand {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], { program = [process.execPath, COMMAND], ...others }: Started = {}) {
    const [file, ...first] = program;
    this.child = spawn(file, [...first, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...others });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** @throws where it ends without having said it as often */
  async says(pattern: RegExp, times = 1): Promise<void> {
    const all = new RegExp(pattern, 'g');
    const found = (): number => [...`${this.stdout}${this.stderr}`.matchAll(all)].length;
    await until(() => found() >= times || !this.isRunning, `"${pattern.source}" of a command`);
    if (found() < times) throw new Error(`it ended without ${pattern.source}: ${this.stderr}`);
  }

  async ends(): Promise<number | null> {
    await until(() => !this.isRunning, 'a command to end');
    return this.child.exitCode;
  }
}
