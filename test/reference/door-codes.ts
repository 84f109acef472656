/**
 * Documents with facts to be found again: generated prose with sentences "The door code of NAME is 4821." spread
 * evenly over it, and the questions to them. All ASCII, so a byte is a token. For tests of long prompts and for
 * measuring how often a model answers right. The same seed gives the same document.
 */
import { seededRandom } from './random.js';
import type { Random } from './random.js';

export type DoorCodeQuestion = {
  /** The document, a little more prose, and the question: exactly `tokens` − 1 bytes, the begin token makes it full. */
  readonly prompt: string;
  /** The four digits that must follow. */
  readonly answer: string;
};

export type DoorCodeDocument = {
  /** What all prompts begin with. */
  readonly text: string;
  /** One for each fact, in the order of the facts. */
  readonly questions: readonly DoorCodeQuestion[];
};

export type DoorCodeOptions = {
  /** Length of every prompt in bytes, begin token included. */
  readonly tokens: number;
  /** Facts in the document; one for each 128 tokens unless given. */
  readonly facts?: number;
  readonly seed: number;
};

type Fact = { readonly name: string; readonly code: string };

/** Room for the longest question and a piece of prose before it. */
const QUESTION_BYTES = 96;

/** @throws RangeError where the facts do not fit into so few tokens, or where there are not so many names */
export function doorCodeDocument({ tokens, facts, seed }: DoorCodeOptions): DoorCodeDocument {
  const random = seededRandom(seed);
  const chosen = chooseFacts(random, facts ?? Math.floor(tokens / 128));
  const text = writeDocument(random, chosen, tokens - 1 - QUESTION_BYTES);
  const bridge = writeProse(random, QUESTION_BYTES);
  const questions = chosen.map(({ name, code }) => {
    const question = `\n\nThe door code of ${name} is `;
    return { prompt: text + bridge.slice(0, QUESTION_BYTES - question.length) + question, answer: code };
  });
  return { text, questions };
}

function chooseFacts(random: Random, count: number): Fact[] {
  const names = new Set<string>();
  if (count > ADJECTIVES.length * PLACES.length)
    throw new RangeError(`${count} facts are more than there are names`);
  while (names.size < count) names.add(`the ${random.pick(ADJECTIVES)} ${random.pick(PLACES)}`);
  return Array.from(names, (name) => ({ name, code: String(1000 + random.below(9000)) }));
}

/** Fact i stands at about (i + ½)/facts of the text, between whole sentences; the text has exactly `bytes` bytes. */
function writeDocument(random: Random, facts: readonly Fact[], bytes: number): string {
  let text = '';
  for (const [i, { name, code }] of facts.entries()) {
    const target = ((i + 0.5) / facts.length) * bytes;
    text += writeSentences(random, target - text.length);
    text += `The door code of ${name} is ${code}. `;
  }
  if (text.length > bytes) throw new RangeError(`${facts.length} facts do not fit into ${bytes} bytes`);
  return text + writeProse(random, bytes - text.length);
}

/** Whole sentences, as many as fit before one that does not. */
function writeSentences(random: Random, bytes: number): string {
  let prose = '';
  for (;;) {
    const longer = `${prose}${writeSentence(random)} `;
    if (longer.length > bytes) return prose;
    prose = longer;
  }
}

function writeProse(random: Random, bytes: number): string {
  let prose = '';
  while (prose.length < bytes) prose += `${writeSentence(random)} `;
  return prose.slice(0, bytes);
}

function writeSentence(random: Random): string {
  const phrase = (): string =>
    `the ${random.pick(ADJECTIVES)} ${random.pick(random.next() < 0.5 ? PLACES : THINGS)}`;
  const clause = (): string => {
    const person = random.pick(PEOPLE);
    const ending = random.next() < 0.5 ? ` ${random.pick(TIMES)}` : ` near ${phrase()}`;
    return `${person} ${random.pick(VERBS)} ${phrase()}${ending}`;
  };
  const kind = random.below(4);
  if (kind === 0) return `${capital(clause())}.`;
  if (kind === 1) return `${capital(clause())}, and ${clause()}.`;
  if (kind === 2) return `${capital(random.pick(TIMES))}, ${clause()}.`;
  return `${capital(clause())}, ${random.pick(ASIDES)}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const words = (list: string): readonly string[] => list.trim().split(/\s*,\s*/);

/** Names end differently, and within a few words: a question is to test distance, not likeness. */
const ADJECTIVES =
  words(`amber, broad, crooked, damp, eastern, faded, grey, hollow, inner, jagged, kindly, lower,
  mossy, narrow, old, painted, quiet, rusty, southern, tall, upper, violet, yellow, sunken, bright, copper, dusty,
  empty, frozen, golden, hidden, iron, long, marble, noisy, outer, pale, round, silver, tiled`);
const PLACES =
  words(`attic, bakery, cellar, depot, forge, gallery, hall, ice store, jetty, kitchen, lamp room, mill,
  net loft, orchard, pump room, quarry, stable, tower, vault, workshop, yard, boat shed, granary, archive, laundry`);
const THINGS =
  words(`anchor, barrel, compass, drum, envelope, flag, gate, hammer, inkwell, jar, kettle, ladder,
  map, notebook, oar, parcel, quilt, rope, sail, trunk, umbrella, violin, wheelbarrow, telescope, bell, candle`);
const PEOPLE =
  words(`Ada, Bruno, Clara, Dmitri, Elsa, Farouk, Greta, Hugo, Ines, Jonas, Kaya, Leo, Mira, Nils, Olga,
  Pavel, Rosa, Stefan, Tilda, Umar, Vera, Wim, Yusuf, Zora, the keeper, the pilot, a stranger, the twins, our neighbour`);
const VERBS =
  words(`admired, borrowed, carried, described, examined, followed, guarded, hid, inspected, kept, lost,
  mended, named, opened, polished, questioned, repaired, searched, traded, unlocked, visited, watched, sketched, counted`);
const TIMES =
  words(`at dawn, before noon, in spring, all winter, on Monday, after the storm, at low tide, every week,
  twice a year, until midnight, by candlelight, for an hour, in the rain, last autumn, without a word, once more`);
const ASIDES =
  words(`though nobody had asked, as the log records, which surprised us all, or so the story goes,
  while the others slept, because the wind had turned, as far as we know, to everyone's relief, just in time`);
