/**
 * Messages → prompt text, by the checkpoint's Jinja template. Templates come with the checkpoint and are treated
 * as hostile: they see only what is set here, and what they throw becomes a typed error. Special tokens inside a
 * message's content are NOT escaped: `<|eot_id|>` typed by a user becomes that token, as with other engines,
 * because templates mix their own markers with content in one string. Refuse such content where that matters.
 */
import { KvrError } from '../core/errors.js';
import { TEMPLATE_LIMITS } from './bounds/prompt-limits.js';
import type { TemplateLimits } from './bounds/prompt-limits.js';
import { Template } from './jinja/run/template.js';
import { strftime } from './template/strftime.js';
import { checkTemplateArgs } from './template/template-args.js';
import type { TemplateArgs } from './template/template-args.js';
import { reasonOf } from './files/tokenizer-files.js';
import type { SpecialNames } from './files/tokenizer-files.js';

/** Field names are the ones templates read. Arguments of tool calls are objects, not JSON text. */
export type ChatMessage = {
  readonly role: string;
  readonly content: string | null;
  readonly name?: string;
  readonly tool_calls?: readonly unknown[];
  readonly tool_call_id?: string;
  /** What the model thought before it answered, where a client sends it back. */
  readonly reasoning_content?: string;
};

export type ChatOptions = {
  /** Ends the prompt where the assistant's answer begins; true unless given, or the last message is to be continued. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** The prompt ends with the last message's content, for the answer to go on from there. */
  readonly continueFinalMessage?: boolean | undefined;
  /** What the template reads beside the messages, as checkTemplateArgs takes it. */
  readonly args?: TemplateArgs | undefined;
  /** JSON schemas of functions, as in the OpenAI API. */
  readonly tools?: readonly unknown[] | undefined;
  /** The template's name; 'tool_use' where tools are given and there is one, else 'default'. */
  readonly template?: string | undefined;
  /** The time strftime_now prints; the present unless given. */
  readonly now?: Date;
  /** TEMPLATE_LIMITS unless given. */
  readonly limits?: TemplateLimits;
};

export class ChatTemplates {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #names: SpecialNames;
  readonly #parsed = new Map<string, Template>();

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
    const template = this.#parse(this.#choose(options));
    const variables = this.#variables(messages, options);
    try {
      const text = template.render(variables, options.limits ?? TEMPLATE_LIMITS);
      return options.continueFinalMessage ? upToContent(text, messages.at(-1)) : text;
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

  #parse(name: string): Template {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known;
    try {
      const parsed = new Template(this.#sources.get(name) ?? '');
      this.#parsed.set(name, parsed);
      return parsed;
    } catch (error) {
      const message = `the chat template "${name}" is broken: ${reasonOf(error)}; use \`generate\` with a plain prompt`;
      throw new KvrError('BAD_CHECKPOINT', message, {}, error);
    }
  }

  /** What a request gives comes first, so that it takes the place of nothing else. */
  #variables(messages: readonly ChatMessage[], options: ChatOptions): ReadonlyMap<string, unknown> {
    if (messages.length === 0) throw refused('there are no messages; give at least one');
    const { args, tools, addGenerationPrompt, continueFinalMessage = false } = options;
    if (continueFinalMessage && addGenerationPrompt)
      throw refused('either the last message is continued or a new one begun; give one of the two');
    return new Map([
      ['documents', null],
      ...Object.entries(args === undefined ? {} : checkTemplateArgs(args, 'the arguments of the template')),
      ...globals(options.now ?? new Date()),
      ...Object.entries(this.#names).filter(([, token]) => token !== undefined),
      ['messages', messages],
      ['tools', tools ?? null],
      ['add_generation_prompt', addGenerationPrompt ?? !continueFinalMessage],
    ]);
  }
}

/**
 * What a template put behind the last message is cut off. Where it trimmed the content, so is what is kept.
 * @throws BAD_INPUT where the template does not show the content
 */
function upToContent(text: string, last: ChatMessage | undefined): string {
  const content = last?.content ?? '';
  const trimmed = content.trim();
  const at = trimmed === '' ? -1 : text.lastIndexOf(trimmed);
  if (at < 0)
    throw refused('the last message can not be continued: the chat template does not show its content');
  const kept = content.trimStart();
  return text.slice(0, at + (text.startsWith(kept, at) ? kept : trimmed).length);
}

/** What transformers adds to the language. */
function globals(now: Date): [string, unknown][] {
  return [
    ['raise_exception', raise],
    ['strftime_now', (format: unknown) => strftime(now, String(format))],
  ];
}

function raise(message: unknown): never {
  throw refused(`the chat template refuses the messages: ${reasonOf(message)}`);
}

function refused(message: string, cause?: unknown): KvrError {
  return new KvrError('BAD_INPUT', message, {}, cause);
}
