/**
 * Programs that a benchmark starts beside itself, such as workers: each says in a line of its output that it is ready, and all
 * end with the benchmark.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export class ChildPrograms {
  readonly #children = new Set<ChildProcess>();
  readonly #endAll = (): void => {
    for (const child of this.#children) child.kill();
  };

  constructor() {
    process.once('exit', this.#endAll);
  }

  /** A program that is ready at once. */
  spawn(command: string, words: readonly string[]): ChildProcess {
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#children.add(child);
    return child;
  }

  /** @param ready stands in the line that says so. @throws Error where the program ends before */
  async start(command: string, words: readonly string[], ready: string): Promise<ChildProcess> {
    const child = this.spawn(command, words);
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${[command, ...words].join(' ')} ended with ${code}`)));
      child.stdout?.on('data', (text) => String(text).includes(ready) && resolve());
    });
    return child;
  }

  /** Settles once it has ended. */
  async stop(child: ChildProcess): Promise<void> {
    this.#children.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }

  async close(): Promise<void> {
    process.off('exit', this.#endAll);
    await Promise.all([...this.#children].map((child) => this.stop(child)));
  }
}
