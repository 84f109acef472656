/**
 * The turns of a conversation: takes lines, keeps the messages, answers.
 */
import { KvrError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import type { ChatMessage } from '../../tokenizer/index.js';
import { type RunContext, runRequest } from '../run/engine-run.js';
import { oneLine } from '../terminal/format.js';
import { textWriter } from '../generate/generate.js';
import type { Run } from '../run/report.js';
import { ChatLines } from './chat-lines.js';

export const CHAT_HELP = `/help   show this
/reset  forget the conversation
/exit   leave, as Ctrl-D does
Ctrl-C ends a running answer.`;

export type Turn = { readonly question: string; readonly run: Run };

type ConversationOptions = {
  /** Sent with every turn, beside its messages. */
  readonly request: Omit<GenerateRequest, 'prompt' | 'promptIds' | 'messages' | 'signal'>;
  readonly system?: string;
  /** Print nothing: the caller prints a document of all turns. */
  readonly json?: true;
  readonly quiet?: true;
};

export class Conversation {
  readonly #engine: Engine;
  readonly #options: ConversationOptions;
  readonly #context: RunContext;
  readonly #lines: ChatLines;
  readonly #turns: Turn[] = [];
  #messages: ChatMessage[] = [];
  /** Ends the answer that runs now. */
  #answering: AbortController | undefined;

  constructor(engine: Engine, options: ConversationOptions, context: RunContext) {
    this.#engine = engine;
    this.#options = options;
    this.#context = context;
    this.#lines = new ChatLines(context.shell, options.quiet === true);
    this.#reset();
  }

  /** Takes turns until the input ends, /exit, or an interrupt. @returns the turns that were answered */
  async hold(): Promise<Turn[]> {
    this.#lines.say('Type a message, or /help.');
    for await (const line of this.#lines.read(() => this.#onInterrupt())) {
      if (!(await this.#take(line))) break;
    }
    if (this.#context.shell.signal.aborted) throw new KvrError('CANCELLED', 'interrupted');
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
        this.#lines.say('The conversation is forgotten.');
        return true;
      case '/help':
        this.#lines.say(CHAT_HELP);
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
      if (!this.#lines.isTerminal || this.#context.shell.signal.aborted || !(error instanceof KvrError))
        throw error;
      const isCancelled = error.code === 'CANCELLED';
      this.#lines.say(
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

  /** Ctrl-C ends the answer, or where none is being written, the conversation. */
  #onInterrupt(): void {
    if (this.#answering) this.#answering.abort();
    else process.kill(process.pid, 'SIGINT');
  }

  #unknown(line: string): boolean {
    const message = `${line.slice(0, 20)} is no command; type /help, /reset or /exit`;
    if (!this.#lines.isTerminal) throw new KvrError('BAD_INPUT', message);
    this.#lines.say(message);
    return true;
  }

  #reset(): void {
    const { system } = this.#options;
    this.#messages = system === undefined ? [] : [{ role: 'system', content: system }];
  }
}

/** Lines are decoded already; bytes that could not be are U+FFFD. */
function requireUtf8(line: string, turn: number): void {
  if (!line.includes('\ufffd')) return;
  throw new KvrError(
    'BAD_INPUT',
    `line of turn ${turn} holds bytes that are not UTF-8 (or U+FFFD); convert it to UTF-8 first`,
  );
}
