/**
 * Puts together what the ranks tell of the prompt's tokens. The last rank may be done with the first token before an earlier one
 * has told all of its own, so what is said of the answer is held back until then.
 */
import { KvrError } from '../../core/errors.js';
import type { TokenLogprobs } from '../../core/sampling.js';
import type { ChainEvent, ScoredTokens } from '../chain/chain-events.js';
import type { ChainRequest } from '../chain/chain-request.js';

/** One for each token of the prompt; the first has nothing before it that could predict it. */
export type PromptLogprobs = readonly (TokenLogprobs | null)[];

type PromptLogprobsEvent = { readonly type: 'promptLogprobs'; readonly logprobs: PromptLogprobs };
type OtherEvent = Exclude<ChainEvent, { type: 'promptLogprobs' }>;

/** @returns the events, with all that was told of the prompt in one, before the first token or the end. @throws PROTOCOL where a part is missing, and as the events do */
export async function* afterPromptLogprobs(
  events: AsyncIterable<ChainEvent>,
  { spec, ids }: Pick<ChainRequest, 'spec' | 'ids'>,
): AsyncGenerator<OtherEvent | PromptLogprobsEvent> {
  let told: Told | undefined = spec.promptLogprobs === undefined ? undefined : new Told(ids.length);
  const held: OtherEvent[] = [];
  for await (const event of events) {
    if (event.type === 'promptLogprobs') told?.add(event);
    else if (told && isOfAnswer(event)) held.push(event);
    else yield event;
    if (!told?.isComplete) continue;
    yield { type: 'promptLogprobs', logprobs: told.all };
    yield* held.splice(0);
    told = undefined;
  }
  if (told) throw incomplete();
}

function isOfAnswer({ type }: OtherEvent): boolean {
  return type === 'token' || type === 'finished';
}

class Told {
  readonly all: (TokenLogprobs | null)[];
  #missing: number;

  constructor(promptTokens: number) {
    this.all = Array.from({ length: promptTokens }, () => null);
    this.#missing = promptTokens - 1;
  }

  get isComplete(): boolean {
    return this.#missing === 0;
  }

  /** @throws PROTOCOL */
  add({ position, logprobs }: ScoredTokens): void {
    for (const [at, one] of logprobs.entries()) {
      if (this.all[position + at] !== null) throw incomplete();
      this.all[position + at] = one;
      this.#missing--;
    }
  }
}

function incomplete(): KvrError {
  const message =
    'the workers sent no log-probabilities of the prompt that fit together; start workers of this version';
  return new KvrError('PROTOCOL', message);
}
