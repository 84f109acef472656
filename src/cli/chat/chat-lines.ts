/**
 * The lines of a conversation, typed by a person or piped in. What is said to a person is not said to a pipe.
 */
import { createInterface, type Interface } from 'node:readline/promises';
import { paintFor } from '../terminal/paint.js';
import type { Shell } from '../terminal/shell.js';

export class ChatLines {
  /** Whether a person types the lines. */
  readonly isTerminal: boolean;
  readonly #shell: Shell;
  readonly #isQuiet: boolean;
  readonly #lines: Interface;

  /** Read the lines at once: readline loses those that come before. */
  constructor(shell: Shell, isQuiet: boolean) {
    this.#shell = shell;
    this.#isQuiet = isQuiet;
    const { input, stderr } = shell;
    this.isTerminal = input.isTTY === true && stderr.isTerminal;
    this.#lines = createInterface({
      input,
      ...(this.isTerminal && { output: process.stderr }),
      terminal: this.isTerminal,
    });
  }

  /**
   * Trimmed lines until the input ends or the command is interrupted; asks for each with a prompt.
   * @param onInterrupt is called for Ctrl-C, which in a terminal arrives here and not as a signal
   */
  async *read(onInterrupt: () => void): AsyncGenerator<string, void> {
    const { signal } = this.#shell;
    const close = (): void => this.#lines.close();
    signal.addEventListener('abort', close, { once: true });
    this.#lines.on('SIGINT', onInterrupt);
    try {
      this.#ask();
      for await (const line of this.#lines) {
        yield line.trim();
        this.#ask();
      }
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  }

  say(text: string): void {
    if (this.isTerminal && !this.#isQuiet) this.#shell.stderr.write(`${text}\n`);
  }

  #ask(): void {
    if (!this.isTerminal) return;
    this.#lines.setPrompt(paintFor(this.#shell.stderr.hasColours)('bold', '> '));
    this.#lines.prompt();
  }
}
