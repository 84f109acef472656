/**
 * Text ⇄ token ids of a checkpoint folder. The HuggingFace library encodes; what ids mean as text is ours
 * (token-pieces, token-stream), so that streaming and decoding are one thing. Text is exactly what the tokens
 * say: clean_up_tokenization_spaces is not applied, as it would alter code and quotes. Called by engine/.
 */
import { join } from 'node:path';

import { KvrError } from '../core/errors.js';
import { timeLimitMs, withinTime } from './bounded-call.js';
import { ChatTemplates } from './chat-template.js';
import type { ChatMessage, ChatOptions } from './chat-template.js';
import { Encoder } from './encoding/encoder.js';
import type { Ids } from './encoding/encoder.js';
import { Vocabulary } from './encoding/vocabulary.js';
import { applyFlags, framed, frameOf } from './text-frame.js';
import type { FrameIds, TextFrame } from './text-frame.js';
import { bytesOfPiece, piecesOf } from './token-pieces.js';
import type { Pieces } from './token-pieces.js';
import { decodeAll, tokenStream } from './token-stream.js';
import type { TokenStream } from './token-stream.js';
import { broken, readTokenizerFiles, reasonOf } from './files/tokenizer-files.js';
import type { TokenizerFiles } from './files/tokenizer-files.js';
import type { TokenizerJson } from './files/tokenizer-json.js';
import { requireRoom } from './bounds/token-cap.js';
import { maxTokenChars } from './bounds/token-chars.js';

/** About four million tokens of English: more than any model's context. */
export const MAX_TEXT_CHARS = 16 * 1024 * 1024;

/** Loading 260,000 tokens takes less than encoding so many characters, on a busy machine too. */
const MAX_OPEN_CHARS = 5_000_000;

export interface Tokenizer {
  /** One more than the largest id that has a token; a model's own vocabulary may be padded beyond it. */
  readonly vocabulary: number;
  readonly hasChatTemplate: boolean;
  /** The token that its files name as the end of a text; undefined where they name none. */
  readonly endId: number | undefined;
  /** The template that tools go through, as its source: what it shows of calls tells how the model writes them. */
  readonly toolTemplate: string | undefined;
  /**
   * Ids of a text with BOS and EOS as the tokenizer's files say, never BOS twice. Special tokens written in the
   * text (`<s>`) become those tokens, as everywhere in this format.
   * @param maxTokens beyond which it stops early
   * @param isPart the text is a part of a prompt: nothing is put around it
   * @throws BAD_INPUT for a text that is too long, PROMPT_TOO_LONG for one of more tokens
   */
  encode(text: string, maxTokens?: number, isPart?: boolean): number[];
  /** A token stands for at most so many characters of a prompt; undefined where that can not be told. */
  readonly maxTokenChars: number | undefined;
  /** Text of ids; special tokens and ids without a token are left out, bytes that are no UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>): string;
  /** Bytes a token adds to the text; none for special tokens and ids without a token. */
  bytesOf(id: number): Uint8Array;
  /** A token as the tokenizer's files write it; undefined for ids without one. */
  nameOf(id: number): string | undefined;
  /** Decodes token by token what follows promptIds; the prompt's own text is not repeated. */
  stream(promptIds?: Iterable<number>): TokenStream;
  /**
   * Ids of messages in the model's chat format. The template alone decides on BOS: nothing is added.
   * @throws BAD_INPUT where the model has no template, or it refuses the messages or takes too long; PROMPT_TOO_LONG
   */
  applyChat(messages: readonly ChatMessage[], options?: ChatOptions, maxTokens?: number): number[];
}

/**
 * Loads tokenizer.json and, where present, tokenizer_config.json, special_tokens_map.json and chat_template.jinja.
 * @throws MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL
 */
export async function loadTokenizer(folder: string, options: TokenizerOptions = {}): Promise<Tokenizer> {
  return tokenizerOf(await readTokenizerFiles(folder), options);
}

/**
 * A tokenizer of files that are read, or of what stands for them in another format.
 * @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL
 */
export function tokenizerOf(files: TokenizerFiles, options: TokenizerOptions = {}): Tokenizer {
  requirePlainWords(files.tokenizer);
  return guarded(files.folder, () => new FilesTokenizer(files, options.timeLimitMs));
}

export type TokenizerOptions = {
  /** The most that encoding a text of so many characters may take. */
  readonly timeLimitMs?: (chars: number) => number;
};

class FilesTokenizer implements Tokenizer {
  readonly vocabulary: number;
  readonly maxTokenChars: number | undefined;
  readonly #vocabulary: Vocabulary;
  readonly #encoder: Encoder;
  readonly #ids: FrameIds;
  readonly #frame: TextFrame;
  readonly #pieces: Pieces;
  readonly #chat: ChatTemplates;
  readonly #timeLimitMs: (chars: number) => number;

  constructor(files: TokenizerFiles, limitMs = timeLimitMs) {
    this.#timeLimitMs = limitMs;
    this.#vocabulary = new Vocabulary(files.tokenizer);
    this.vocabulary = this.#vocabulary.size;
    this.maxTokenChars = maxTokenChars(files.tokenizer);
    this.#encoder = this.#openEncoder(files.tokenizer);
    this.#ids = { bos: this.#idOf(files.names.bos_token), eos: this.#idOf(files.names.eos_token) };
    this.#frame = this.#readFrame(files);
    this.#pieces = this.#readPieces(files.tokenizer);
    this.#chat = new ChatTemplates(files.templates, files.names);
  }

  get endId(): number | undefined {
    return this.#ids.eos;
  }

  get hasChatTemplate(): boolean {
    return this.#chat.any;
  }

  get toolTemplate(): string | undefined {
    return this.#chat.toolSource;
  }

  encode(text: string, maxTokens?: number, isPart = false): number[] {
    const ids = this.#plainIds(text, maxTokens);
    return isPart ? ids : framed(this.#frame, ids, this.#ids.bos);
  }

  decode(ids: Iterable<number>): string {
    return decodeAll(this.#pieces, ids);
  }

  bytesOf(id: number): Uint8Array {
    return bytesOfPiece(this.#pieces.pieceOf(id));
  }

  nameOf(id: number): string | undefined {
    return this.#vocabulary.tokenOf(id);
  }

  stream(promptIds: Iterable<number> = []): TokenStream {
    const stream = tokenStream(this.#pieces);
    for (const id of promptIds) stream.push(id);
    return stream;
  }

  applyChat(messages: readonly ChatMessage[], options: ChatOptions = {}, maxTokens?: number): number[] {
    return this.#plainIds(this.#chat.render(messages, options), maxTokens);
  }

  /** A normalizer runs over added tokens here, and patterns of a hostile one may not end. */
  #openEncoder(json: TokenizerJson): Encoder {
    const { added } = this.#vocabulary;
    const open = (): Encoder => new Encoder(json, added);
    if (json.normalizer === null || !added.some((token) => token.normalized)) return open();
    const limitMs = timeLimitMs(MAX_OPEN_CHARS);
    return withinTime(limitMs, open, () => endless(0, limitMs));
  }

  #plainIds(text: string, maxTokens = Infinity): number[] {
    if (text.length > MAX_TEXT_CHARS) {
      throw new KvrError(
        'BAD_INPUT',
        `the text has ${text.length} characters, more than the ${MAX_TEXT_CHARS} allowed; shorten it`,
      );
    }
    requireRoom(text, this.maxTokenChars, maxTokens);
    const ids = this.#encoded(text, maxTokens);
    if (ids.every((id) => id !== undefined)) return ids;
    throw new KvrError(
      'BAD_INPUT',
      'the tokenizer has no token for a character of the text and no unknown token; leave that character out',
    );
  }

  #encoded(text: string, maxTokens: number): Ids {
    const limitMs = this.#timeLimitMs(text.length);
    const encode = (): Ids => this.#encoder.idsOf(text, maxTokens);
    try {
      return withinTime(limitMs, encode, () => endless(text.length, limitMs));
    } catch (error) {
      if (error instanceof KvrError) throw error;
      const message = `the tokenizer fails on a text of ${text.length} characters: ${reasonOf(error)}; shorten it`;
      throw new KvrError('BAD_INPUT', message, {}, error);
    }
  }

  #idOf(token: string | undefined): number | undefined {
    return token === undefined ? undefined : this.#vocabulary.idOf(token);
  }

  #readPieces({ decoder }: TokenizerJson): Pieces {
    const { added } = this.#vocabulary;
    const { normalForms } = this.#encoder;
    // Names for padding and unknown tokens do not count: some checkpoints pad with "!", which is text.
    const special = new Set([
      this.#ids.bos,
      this.#ids.eos,
      ...added.filter((t) => t.special).map((t) => t.id),
    ]);
    const tokenOf = (id: number): string | undefined =>
      special.has(id) ? undefined : (normalForms.get(id) ?? this.#vocabulary.tokenOf(id));
    const asWritten = added.filter(({ id }) => !normalForms.has(id));
    return piecesOf(decoder, tokenOf, new Set(asWritten.map((token) => token.content)));
  }

  #readFrame({ tokenizer, config }: TokenizerFiles): TextFrame {
    // The Llama classes add BOS unless told not to; their post-processor is only a trace of that.
    const llama = tokenizer.post_processor === null && /^Llama/.test(config.tokenizer_class ?? '');
    const llamaDefault = llama && this.#ids.bos !== undefined ? true : undefined;
    const flags = {
      addBos: config.add_bos_token ?? llamaDefault,
      addEos: config.add_eos_token ?? undefined,
    };
    return applyFlags(frameOf(tokenizer.post_processor), flags, this.#ids);
  }
}

/** A shorter text can only take long if the tokenizer's patterns mean harm. */
const LONG_TEXT_CHARS = 10_000;

function endless(chars: number, limitMs: number): KvrError {
  const late = `did not end within ${limitMs} ms on a text of ${chars} characters`;
  if (chars > LONG_TEXT_CHARS) return new KvrError('BAD_INPUT', `the tokenizer ${late}; shorten it`);
  const remedy = 'use another checkpoint, or give the prompt as token ids';
  return new KvrError('BAD_CHECKPOINT', `the patterns of tokenizer.json ${late}; ${remedy}`);
}

/** What the library throws at hostile or unknown parts, as an error of ours. */
function guarded<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof KvrError && error.code !== 'BAD_INPUT') throw error;
    const fault = `can not be used: ${reasonOf(error)}`;
    throw broken(
      join(folder, 'tokenizer.json'),
      fault,
      'fetch it again, or give the prompt as token ids',
      error,
    );
  }
}

/** Word-part markers of old tokenizers (GPT-1, BERT), which neither encoding nor decoding here knows. */
function requirePlainWords({ model }: TokenizerJson): void {
  for (const key of ['continuing_subword_prefix', 'continuing_subword_suffix', 'end_of_word_suffix']) {
    if (model[key] !== undefined && model[key] !== null && model[key] !== '') {
      throw new KvrError(
        'UNSUPPORTED_MODEL',
        `tokenizer.json sets ${key}, which is not supported; give the prompt as token ids`,
      );
    }
  }
}
