/**
 * Messages → prompt text, by the checkpoint's Jinja template. Templates come with the checkpoint and are treated
 * as hostile: they see only what is set here, and what they throw becomes a typed error. Special tokens inside a
 * message's content are NOT escaped: `<|eot_id|>` typed by a user becomes that token, as with other engines,
 * because templates mix their own markers with content in one string. Refuse such content where that matters.
 */
import { KvrError } from '../core/errors.js';
import { timeLimitMs, withinTime } from './bounded-call.js';
import { parseTemplate, runTemplate } from './files/hugging-face.js';
import type { TemplateProgram } from './files/hugging-face.js';
import { strftime } from './strftime.js';
import { reasonOf } from './files/tokenizer-files.js';
import type { SpecialNames } from './files/tokenizer-files.js';

/** Field names are the ones templates read. Arguments of tool calls are objects, not JSON text. */
export type ChatMessage = {
  readonly role: string;
  readonly content: string | null;
  readonly name?: string;
  readonly tool_calls?: readonly unknown[];
  readonly tool_call_id?: string;
};

export type ChatOptions = {
  /** Ends the prompt where the assistant's answer begins; true unless given. */
  readonly addGenerationPrompt?: boolean;
  /** JSON schemas of functions, as in the OpenAI API. */
  readonly tools?: readonly unknown[];
  /** The template's name; 'tool_use' where tools are given and there is one, else 'default'. */
  readonly template?: string;
  /** The time strftime_now prints; the present unless given. */
  readonly now?: Date;
};

/** A template that asks for a longer range is broken or means harm; lists of messages are far shorter. */
const MAX_RANGE = 100_000;

/** Rendering takes milliseconds; loops in loops of a hostile template would take years. */
const TIME_LIMIT_MS = timeLimitMs(0);

export class ChatTemplates {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #names: SpecialNames;
  readonly #parsed = new Map<string, TemplateProgram>();

  constructor(sources: ReadonlyMap<string, string>, names: SpecialNames) {
    this.#sources = sources;
    this.#names = names;
  }

  get any(): boolean {
    return this.#sources.size > 0;
  }

  /** The source of the template that tools go through; undefined where there is none. */
  get toolSource(): string | undefined {
    return this.#sources.get('tool_use') ?? this.#sources.get('default');
  }

  /** @throws BAD_INPUT where there is no such template or it refuses the messages; BAD_CHECKPOINT where it is broken */
  render(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const program = this.#parse(this.#choose(options));
    const variables = [...globals(options.now ?? new Date()), ...this.#variables(messages, options)];
    try {
      return withinTime(TIME_LIMIT_MS, () => runTemplate(program, variables), endless);
    } catch (error) {
      if (error instanceof KvrError) throw error;
      throw refused(`the chat template can not render these messages: ${reasonOf(error)}`, error);
    }
  }

  #choose({ template, tools }: ChatOptions): string {
    if (!this.any) {
      throw refused('the model has no chat template; use `generate` with a plain prompt, or a chat model');
    }
    const name = template ?? (tools !== undefined && this.#sources.has('tool_use') ? 'tool_use' : 'default');
    if (this.#sources.has(name)) return name;
    const known = [...this.#sources.keys()].slice(0, 10).join(', ');
    throw refused(`the model has no chat template "${name}"; choose one of ${known}`);
  }

  #parse(name: string): TemplateProgram {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known;
    try {
      const parsed = parseTemplate(this.#sources.get(name) ?? '');
      this.#parsed.set(name, parsed);
      return parsed;
    } catch (error) {
      const message = `the chat template "${name}" is broken: ${reasonOf(error)}; use \`generate\` with a plain prompt`;
      throw new KvrError('BAD_CHECKPOINT', message, {}, error);
    }
  }

  #variables(messages: readonly ChatMessage[], options: ChatOptions): [string, unknown][] {
    if (messages.length === 0) throw refused('there are no messages; give at least one');
    return [
      ...Object.entries(this.#names).filter(([, token]) => token !== undefined),
      ['messages', messages],
      ['tools', options.tools ?? null],
      ['documents', null],
      ['add_generation_prompt', options.addGenerationPrompt ?? true],
    ];
  }
}

/** Everything a template can call. */
function globals(now: Date): [string, unknown][] {
  return [
    ['true', true],
    ['false', false],
    ['none', null],
    ['True', true],
    ['False', false],
    ['None', null],
    ['raise_exception', raise],
    ['range', boundedRange],
    ['strftime_now', (format: unknown) => strftime(now, String(format))],
  ];
}

function endless(): KvrError {
  return new KvrError(
    'BAD_CHECKPOINT',
    `the chat template did not end within ${TIME_LIMIT_MS} ms; use \`generate\` with a plain prompt`,
  );
}

function raise(message: unknown): never {
  throw refused(`the chat template refuses the messages: ${reasonOf(message)}`);
}

/** Python's range. @throws BAD_CHECKPOINT for a step of 0 and above MAX_RANGE steps */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= MAX_RANGE)) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `the chat template asks for a range of ${count}, above ${MAX_RANGE}`,
    );
  }
  return Array.from({ length: count }, (_, index) => start + index * step);
}

function refused(message: string, cause?: unknown): KvrError {
  return new KvrError('BAD_INPUT', message, {}, cause);
}
