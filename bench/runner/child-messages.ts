/**
 * Questions to a child process over its IPC channel, one at a time.
 */
import { type ChildProcess, fork } from 'node:child_process';

/** Longer than the slowest machine takes for the longest prompt. */
const ANSWER_TIMEOUT_MS = 1_200_000;

/** A program that was forked, says once that it is ready, and then answers each message with one. */
export class ChildProgram {
  readonly #process: ChildProcess;
  readonly #name: string;

  private constructor(process: ChildProcess, name: string) {
    this.#process = process;
    this.#name = name;
  }

  /** @param setup the program's only argument, as JSON. @returns the child and its first message */
  static async start<Ready>(
    program: string,
    name: string,
    setup: object,
  ): Promise<{ child: ChildProgram; ready: Ready }> {
    // What it writes is not ours to print on stdout.
    const child = fork(program, [JSON.stringify(setup)], { stdio: ['ignore', 2, 2, 'ipc'] });
    const ready = (await nextMessage(child, name)) as Ready;
    return { child: new ChildProgram(child, name), ready };
  }

  /** @throws Error where the process ends or does not answer in time */
  async ask<Answer>(question: object): Promise<Answer> {
    const answer = nextMessage(this.#process, this.#name);
    this.#process.send(question);
    return (await answer) as Answer;
  }

  /** Settles once the process has ended. */
  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.connected) this.#process.disconnect();
    await ended;
  }
}

function nextMessage(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      settle();
    };
    const onMessage = (message: unknown): void => end(() => resolve(message));
    const onExit = (code: number | null): void =>
      end(() => reject(new Error(`${name} ended with status ${code}`)));
    const timer = setTimeout(
      () => end(() => reject(new Error(`${name} gave no answer in ${ANSWER_TIMEOUT_MS / 1000} s`))),
      ANSWER_TIMEOUT_MS,
    );
    child.on('message', onMessage).on('exit', onExit);
  });
}
