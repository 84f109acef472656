/**
 * Automata for sets of texts: one of them, or any JSON key but them. Pure.
 */
import type { Walker } from './terms.js';

/** One of several texts, as a tree of their bytes. */
export class TextTree implements Walker {
  readonly #edges = new Map<number, TextTree>();
  canEnd = false;

  static of(texts: Iterable<string>): TextTree {
    const root = new TextTree();
    for (const text of texts) {
      const end = Buffer.from(text).reduce<TextTree>((at, byte) => at.#branch(byte), root);
      end.canEnd = true;
    }
    return root;
  }

  next(byte: number): TextTree | undefined {
    return this.#edges.get(byte);
  }

  #branch(byte: number): TextTree {
    const known = this.#edges.get(byte) ?? new TextTree();
    this.#edges.set(byte, known);
    return known;
  }
}

/** What a UTF-8 text may go on with: how many bytes of a character are missing, and the range of the next. */
type Missing = { readonly bytes: number; readonly first: number; readonly last: number };
const COMPLETE: Missing = { bytes: 0, first: 0, last: 0 };
const ANY = { first: 0x80, last: 0xbf };
/** First byte's range, and what it leaves missing. Source: RFC 3629, section 4. */
const LEADS: readonly (readonly [first: number, last: number, missing: Missing])[] = [
  [0x20, 0x21, COMPLETE],
  [0x23, 0x5b, COMPLETE],
  [0x5d, 0x7f, COMPLETE],
  [0xc2, 0xdf, { bytes: 1, ...ANY }],
  [0xe0, 0xe0, { bytes: 2, first: 0xa0, last: 0xbf }],
  [0xe1, 0xec, { bytes: 2, ...ANY }],
  [0xed, 0xed, { bytes: 2, first: 0x80, last: 0x9f }],
  [0xee, 0xef, { bytes: 2, ...ANY }],
  [0xf0, 0xf0, { bytes: 3, first: 0x90, last: 0xbf }],
  [0xf1, 0xf3, { bytes: 3, ...ANY }],
  [0xf4, 0xf4, { bytes: 3, first: 0x80, last: 0x8f }],
];
const LATER: readonly Missing[] = [COMPLETE, { bytes: 1, ...ANY }, { bytes: 2, ...ANY }];

/** The characters of a JSON string, unescaped and without its quotes, that are none of the texts of a tree. */
export class OtherText implements Walker {
  readonly canEnd: boolean;
  readonly #tree: TextTree | undefined;
  readonly #missing: Missing;
  readonly #next = new Map<number, OtherText>();

  constructor(tree: TextTree | undefined, missing = COMPLETE) {
    this.#tree = tree;
    this.#missing = missing;
    this.canEnd = missing === COMPLETE && tree?.canEnd !== true;
  }

  next(byte: number): OtherText | undefined {
    const missing = this.#missingAfter(byte);
    if (!missing) return undefined;
    const tree = this.#tree?.next(byte);
    // Off the tree nothing is left to compare: such texts all go on alike.
    if (!tree) return offTree(missing);
    const known = this.#next.get(byte) ?? new OtherText(tree, missing);
    this.#next.set(byte, known);
    return known;
  }

  #missingAfter(byte: number): Missing | undefined {
    const { bytes, first, last } = this.#missing;
    if (bytes > 0) return byte >= first && byte <= last ? LATER[bytes - 1] : undefined;
    return LEADS.find(([from, to]) => byte >= from && byte <= to)?.[2];
  }
}

const OFF_TREE = new Map<Missing, OtherText>();

function offTree(missing: Missing): OtherText {
  const known = OFF_TREE.get(missing) ?? new OtherText(undefined, missing);
  OFF_TREE.set(missing, known);
  return known;
}
