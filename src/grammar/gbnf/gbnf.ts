/**
 * GBNF, the grammars of llama.cpp, as terms: rules that refer to each other, texts, classes of characters, groups, repeats. What
 * begins with itself, and single tokens by number, are refused by name. Source: grammars/README.md of llama.cpp.
 */
import type { Meter } from '../limits/meter.js';
import { MAX_CODE_POINT, subtract, utf8Character } from '../terms/characters.js';
import { choice, later, NOTHING, type Range, repeat, sequence, type Term, text } from '../terms/terms.js';
import { requireNoLeftRecursion } from './left-recursion.js';
import { GbnfScanner } from './scanner.js';

const MAX_RULES = 1000;
const MAX_REPEATS = 1000;
const MAX_GROUPS_DEEP = 64;
const ROOT = 'root';

/** @throws BAD_INPUT with the line that is wrong */
export function gbnfTerm(grammar: string, meter: Meter): Term {
  meter.spend(grammar.length);
  return new GbnfReader(grammar, meter).read();
}

class GbnfReader {
  readonly #scan: GbnfScanner;
  readonly #meter: Meter;
  readonly #rules = new Map<string, Term>();
  /** Where each name is used, by the first place. */
  readonly #references = new Map<string, Term>();
  #depth = 0;

  constructor(grammar: string, meter: Meter) {
    this.#scan = new GbnfScanner(grammar);
    this.#meter = meter;
  }

  read(): Term {
    const scan = this.#scan;
    for (scan.skip(true); !scan.isAtEnd; scan.skip(true)) this.#rule();
    const missing = [ROOT, ...this.#references.keys()].find((name) => !this.#rules.has(name));
    if (missing !== undefined) throw scan.fault(`there is no rule "${missing}"; add it`);
    requireNoLeftRecursion(this.#rules, this.#references);
    return this.#rules.get(ROOT) as Term;
  }

  #rule(): void {
    const scan = this.#scan;
    const name = scan.name();
    scan.skip(false);
    if (!scan.take('::=')) throw scan.fault('"::=" is missing behind the name of a rule');
    if (this.#rules.size >= MAX_RULES) throw scan.fault(`there are more than ${MAX_RULES} rules, the limit`);
    scan.skip(true);
    this.#rules.set(name, this.#options(false));
    if (!scan.isAtLineEnd) throw scan.fault(`"${scan.peek ?? ''}" is not expected here`);
  }

  /** @param isInGroup line ends do not end it */
  #options(isInGroup: boolean): Term {
    const scan = this.#scan;
    const options = [this.#sequence(isInGroup)];
    while (scan.take('|')) {
      scan.skip(true);
      options.push(this.#sequence(isInGroup));
    }
    return options.length === 1 ? (options[0] as Term) : choice(...options);
  }

  #sequence(isInGroup: boolean): Term {
    const scan = this.#scan;
    const parts: Term[] = [];
    while (scan.peek !== undefined && !'|)\n'.includes(scan.peek)) {
      this.#meter.spend(1);
      parts.push(this.#repeated(this.#part()));
      scan.skip(isInGroup);
    }
    return parts.length === 1 ? (parts[0] as Term) : sequence(...parts);
  }

  #part(): Term {
    const scan = this.#scan;
    if (scan.take('"')) return text(this.#literal());
    if (scan.take('[')) return this.#character(this.#class());
    if (scan.take('.')) return this.#character([[0, MAX_CODE_POINT]]);
    if (scan.take('(')) return this.#group();
    if (scan.peek === '<' || scan.peek === '!')
      throw scan.fault('tokens by name or number are not supported; write their text');
    return this.#reference(scan.name());
  }

  #literal(): string {
    let value = '';
    while (!this.#scan.take('"')) value += String.fromCodePoint(this.#scan.character());
    this.#meter.spend(value.length);
    return value;
  }

  #class(): Range[] {
    const scan = this.#scan;
    const isNegated = scan.take('^');
    const ranges: Range[] = [];
    while (!scan.take(']')) {
      const first = scan.character();
      const last = scan.takeRange() ? scan.character() : first;
      ranges.push([first, last]);
    }
    this.#meter.spend(ranges.length * ranges.length);
    return isNegated ? subtract([[0, MAX_CODE_POINT]], ranges) : subtract(ranges, []);
  }

  #character(ranges: readonly Range[]): Term {
    this.#meter.spend(8 * (1 + ranges.length));
    return utf8Character(ranges);
  }

  #group(): Term {
    const scan = this.#scan;
    if (++this.#depth > MAX_GROUPS_DEEP)
      throw scan.fault(`groups are deeper than ${MAX_GROUPS_DEEP}, the limit`);
    scan.skip(true);
    const term = this.#options(true);
    if (!scan.take(')')) throw scan.fault('")" is missing');
    this.#depth--;
    return term;
  }

  #reference(name: string): Term {
    const known = this.#references.get(name) ?? later(() => this.#rules.get(name) ?? NOTHING);
    this.#references.set(name, known);
    return known;
  }

  #repeated(part: Term): Term {
    const scan = this.#scan;
    let term = part;
    let repeats = 0;
    for (let counts = scan.counts(); counts; counts = scan.counts()) {
      if (++repeats > MAX_GROUPS_DEEP)
        throw scan.fault(`more than ${MAX_GROUPS_DEEP} repeats follow each other, the limit`);
      const [min, max] = counts;
      if (min > MAX_REPEATS || (max > MAX_REPEATS && max !== Infinity))
        throw scan.fault(`a repeat is above ${MAX_REPEATS}, the limit`);
      term = repeat(term, min, max);
    }
    return term;
  }
}

/** Whether a grammar is written in it, and not in one of the other languages for grammars. */
export function isGbnf(grammar: string): boolean {
  return grammar.includes('::=');
}
