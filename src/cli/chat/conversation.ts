/**
 * The turns of a conversation: reads lines, keeps the messages, answers. Knows no flags' names; called by chat.ts.
 */
import { createInterface, type Interface } from 'node:readline/promises';
import { KvrError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import type { ChatMessage } from '../../tokenizer/index.js';
import { type RunContext, runRequest } from '../run/engine-run.js';
import { oneLine } from '../terminal/format.js';
import { textWriter } from '../generate/generate.js';
import { paintFor } from '../terminal/paint.js';
import type { Run } from '../run/report.js';

export const CHAT_HELP = `/help   show this
/reset  forget the conversation
/exit   leave, as Ctrl-D does
Ctrl-C ends a running answer.`;

export type Turn = { readonly question: string; readonly run: Run };

export type ConversationOptions = {
  /** Sent with every turn, beside its messages. */
  readonly request: Omit<GenerateRequest, 'prompt' | 'promptIds' | 'messages' | 'signal'>;
  readonly system?: string;
  /** Nothing but the document of all turns is printed, by the caller. */
  readonly json?: true;
  readonly quiet?: true;
};

export class Conversation {
  readonly #engine: Engine;
  readonly #options: ConversationOptions;
  readonly #context: RunContext;
  readonly #lines: Interface;
  readonly #isTerminal: boolean;
  readonly #turns: Turn[] = [];
  #messages: ChatMessage[] = [];
  /** Ends the answer that runs now. */
  #answering: AbortController | undefined;

  constructor(engine: Engine, options: ConversationOptions, context: RunContext) {
    this.#engine = engine;
    this.#options = options;
    this.#context = context;
    const { input, stderr } = context.shell;
    this.#isTerminal = input.isTTY === true && stderr.isTerminal;
    this.#lines = createInterface({
      input,
      ...(this.#isTerminal && { output: process.stderr }),
      terminal: this.#isTerminal,
    });
    this.#reset();
  }

  /** Takes turns until the input ends, /exit, or an interrupt. @returns the turns that were answered */
  async hold(): Promise<Turn[]> {
    const { signal } = this.#context.shell;
    const close = (): void => this.#lines.close();
    signal.addEventListener('abort', close, { once: true });
    this.#lines.on('SIGINT', () => this.#onInterrupt());
    try {
      this.#say('Type a message, or /help.');
      this.#ask();
      for await (const line of this.#lines) {
        if (!(await this.#take(line.trim()))) break;
        this.#ask();
      }
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
    if (signal.aborted) throw new KvrError('CANCELLED', 'interrupted');
    return this.#turns;
  }

  /** @returns false where the conversation is over. */
  async #take(line: string): Promise<boolean> {
    switch (line) {
      case '':
        return true;
      case '/exit':
        return false;
      case '/reset':
        this.#reset();
        this.#say('The conversation is forgotten.');
        return true;
      case '/help':
        this.#say(CHAT_HELP);
        return true;
      default:
        return this.#answerOrTell(line);
    }
  }

  async #answerOrTell(line: string): Promise<boolean> {
    if (line.startsWith('/')) return this.#unknown(line);
    requireUtf8(line, this.#turns.length + 1);
    const before = this.#messages.length;
    try {
      await this.#answer(line);
    } catch (error) {
      this.#messages.length = before;
      if (!this.#isTerminal || this.#context.shell.signal.aborted || !(error instanceof KvrError))
        throw error;
      const isCancelled = error.code === 'CANCELLED';
      this.#say(
        isCancelled
          ? '\n(ended; the turn is forgotten)'
          : `kvr: ${oneLine(error.message)}; /reset forgets the conversation`,
      );
    }
    return true;
  }

  async #answer(question: string): Promise<void> {
    const { shell } = this.#context;
    this.#messages.push({ role: 'user', content: question });
    this.#answering = new AbortController();
    const signal = AbortSignal.any([this.#answering.signal, shell.signal]);
    const request = {
      ...this.#options.request,
      messages: this.#messages.map((message) => ({ ...message })),
      signal,
    };
    const onText = this.#options.json ? () => undefined : textWriter(shell.stdout);
    try {
      const run = await runRequest(this.#engine, request, this.#context, onText);
      this.#messages.push({ role: 'assistant', content: run.result.text });
      this.#turns.push({ question, run });
      if (!this.#options.json) shell.stdout.write('\n');
    } finally {
      this.#answering = undefined;
      this.#context.progress.clear();
    }
  }

  /** In a terminal Ctrl-C arrives here, not as a signal: it ends the answer, or where there is none, the conversation. */
  #onInterrupt(): void {
    if (this.#answering) this.#answering.abort();
    else process.kill(process.pid, 'SIGINT');
  }

  #unknown(line: string): boolean {
    const message = `${line.slice(0, 20)} is no command; type /help, /reset or /exit`;
    if (!this.#isTerminal) throw new KvrError('BAD_INPUT', message);
    this.#say(message);
    return true;
  }

  #reset(): void {
    const { system } = this.#options;
    this.#messages = system === undefined ? [] : [{ role: 'system', content: system }];
  }

  #ask(): void {
    if (!this.#isTerminal) return;
    this.#lines.setPrompt(paintFor(this.#context.shell.stderr.hasColours)('bold', '> '));
    this.#lines.prompt();
  }

  #say(text: string): void {
    if (this.#isTerminal && !this.#options.quiet) this.#context.shell.stderr.write(`${text}\n`);
  }
}

/** Lines come decoded; what could not be is marked with U+FFFD. */
function requireUtf8(line: string, turn: number): void {
  if (!line.includes('\ufffd')) return;
  throw new KvrError(
    'BAD_INPUT',
    `line of turn ${turn} holds bytes that are not UTF-8 (or U+FFFD); convert it to UTF-8 first`,
  );
}
