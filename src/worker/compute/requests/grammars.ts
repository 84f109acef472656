/**
 * The grammars that answers on this worker are held to: vocabularies come once from each engine, grammars with their
 * requests; the last few stay compiled, with the masks that were made for them.
 */
import { KvrError } from '../../../core/errors.js';
import { Matcher, TokenGrammar } from '../../../grammar/matcher.js';
import { Vocabulary } from '../../../grammar/vocabulary.js';
import type { Constraint } from '../../../runtime/sampling/sampler.js';
import { ThinkingEnd } from '../../../runtime/sampling/thinking-end.js';
import type { Job } from '../../threads/thread-messages.js';

/** Of one vocabulary. Requests with one schema come in rows; each keeps masks of up to a bit a token. */
const MAX_COMPILED = 8;

/** As it came, until a request needs it: what is wrong with it is that request's error then. */
type Packed = { readonly packed: Uint8Array<ArrayBuffer>; readonly tokens: number };
type Known = { vocabulary: Packed | Vocabulary; readonly compiled: Map<string, TokenGrammar> };

export class Grammars {
  readonly #known = new Map<number, Known>();

  learn(owner: number, packed: Uint8Array<ArrayBuffer>, tokens: number): void {
    this.#known.set(owner, { vocabulary: { packed, tokens }, compiled: new Map() });
  }

  forget(owner: number): void {
    this.#known.delete(owner);
  }

  /** What the job's answer is held to, and what ends its thinking; undefined where it is free. @throws BAD_INPUT, PROTOCOL */
  constraintFor(job: Job, matcher: Matcher | undefined): Constraint | undefined {
    const { thinkingLimit } = job.spec;
    if (!thinkingLimit) return matcher;
    const vocabulary = vocabularyOf(this.#of(job));
    return new ThinkingEnd(thinkingLimit, (id) => vocabulary.bytesOf(id), matcher);
  }

  /** The grammar alone. @throws BAD_INPUT, PROTOCOL */
  matcherFor(job: Job): Matcher | undefined {
    const { grammar, eosIds } = job.spec;
    if (grammar === undefined) return undefined;
    return new Matcher(compiled(this.#of(job), grammar), eosIds);
  }

  #of({ owner }: Job): Known {
    const known = this.#known.get(owner);
    if (known) return known;
    throw new KvrError('PROTOCOL', 'a request came before the vocabulary that it needs');
  }
}

function compiled(known: Known, grammar: unknown): TokenGrammar {
  const cache = known.compiled;
  const key = JSON.stringify(grammar);
  const made = cache.get(key) ?? new TokenGrammar(grammar, vocabularyOf(known));
  // Last used last.
  cache.delete(key);
  cache.set(key, made);
  const [oldest] = cache.keys();
  if (cache.size > MAX_COMPILED && oldest !== undefined) cache.delete(oldest);
  return made;
}

function vocabularyOf(known: Known): Vocabulary {
  const { vocabulary } = known;
  if (vocabulary instanceof Vocabulary) return vocabulary;
  return (known.vocabulary = new Vocabulary(vocabulary.packed, vocabulary.tokens));
}
