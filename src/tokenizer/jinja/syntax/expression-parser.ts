/**
 * Reads expressions, from those that bind least (`a if b else c`) to those that bind most (names, calls, filters).
 */
import { float, int } from '../values/numbers.js';
import type { Value } from '../values/value.js';
import type { Arguments, ComparisonOperator, Expression, Step } from './nodes.js';
import type { TokenStream } from './token-stream.js';

const CONSTANTS: Readonly<Record<string, Value>> = {
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
};
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
const NO_CALL: Arguments = { args: [], named: [] };

export class ExpressionParser {
  readonly #stream: TokenStream;
  readonly #onName: (name: string) => void;

  /** @param onName told of every variable that is read */
  constructor(stream: TokenStream, onName: (name: string) => void) {
    this.#stream = stream;
    this.#onName = onName;
  }

  /** One expression, or a tuple without brackets. @param isPlain no `a if b` may stand in it */
  tuple(isPlain = false): Expression {
    const one = (): Expression => (isPlain ? this.#or() : this.expression());
    const first = one();
    if (!this.#stream.isOperator(',')) return first;
    const items = [first];
    while (this.#stream.skipOperator(',') && !this.#isTupleEnd()) items.push(one());
    return { type: 'tuple', items };
  }

  expression(): Expression {
    let value = this.#or();
    while (this.#stream.skipName('if')) {
      const test = this.#or();
      const no = this.#stream.skipName('else') ? this.expression() : undefined;
      value = { type: 'choice', test, yes: value, no };
    }
    return value;
  }

  /** Filters in a row. @param isBegun the first stands without its sign */
  filters(isBegun: boolean): Step[] {
    const steps = isBegun ? [this.#step()] : [];
    while (this.#stream.skipOperator('|')) steps.push(this.#step());
    return steps;
  }

  /** A value with what follows it: members, calls, filters. */
  unary(hasFilters = true): Expression {
    const stream = this.#stream;
    let value: Expression;
    if (stream.skipOperator('-')) value = { type: 'negative', of: this.unary(false) };
    else if (stream.skipOperator('+')) value = { type: 'positive', of: this.unary(false) };
    else value = this.#primary();
    value = this.#postfix(value);
    return hasFilters ? this.#filtered(value) : value;
  }

  #isTupleEnd(): boolean {
    const { type } = this.#stream.current;
    return type === 'statement end' || type === 'print end' || this.#stream.isOperator(')', '=');
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#stream.skipName('or')) left = { type: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#stream.skipName('and')) left = { type: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    return this.#stream.skipName('not') ? { type: 'not', of: this.#not() } : this.#comparison();
  }

  #comparison(): Expression {
    const first = this.#sum();
    const others: [ComparisonOperator, Expression][] = [];
    for (let operator = this.#comparisonOperator(); operator; operator = this.#comparisonOperator())
      others.push([operator, this.#sum()]);
    return others.length === 0 ? first : { type: 'comparison', first, others };
  }

  #comparisonOperator(): ComparisonOperator | undefined {
    const stream = this.#stream;
    const { next } = stream;
    if (stream.skipName('in')) return 'in';
    if (stream.isName('not') && next.type === 'name' && next.value === 'in') {
      stream.take();
      stream.take();
      return 'not in';
    }
    return COMPARISONS.find((operator) => stream.skipOperator(operator));
  }

  #sum(): Expression {
    return this.#leftToRight(['+', '-'], () => this.#concat());
  }

  #concat(): Expression {
    const parts = [this.#product()];
    while (this.#stream.skipOperator('~')) parts.push(this.#product());
    return parts.length === 1 ? (parts[0] as Expression) : { type: 'concat', parts };
  }

  #product(): Expression {
    return this.#leftToRight(['*', '/', '//', '%'], () => this.#leftToRight(['**'], () => this.unary()));
  }

  #leftToRight(
    operators: readonly ('+' | '-' | '*' | '/' | '//' | '%' | '**')[],
    part: () => Expression,
  ): Expression {
    let left = part();
    for (;;) {
      const operator = operators.find((one) => this.#stream.skipOperator(one));
      if (!operator) return left;
      left = { type: 'arithmetic', operator, left, right: part() };
    }
  }

  #primary(): Expression {
    const stream = this.#stream;
    const token = stream.current;
    switch (token.type) {
      case 'name':
        stream.take();
        return this.#named(token.value);
      case 'string':
        return { type: 'constant', value: this.#adjacent() };
      case 'int':
      case 'float':
        stream.take();
        return { type: 'constant', value: token.type === 'int' ? int(token.value) : float(token.value) };
      case 'operator':
        return this.#bracketed();
      default:
        throw stream.fault('a value');
    }
  }

  #named(name: string): Expression {
    if (Object.hasOwn(CONSTANTS, name)) return { type: 'constant', value: CONSTANTS[name] as Value };
    this.#onName(name);
    return { type: 'name', name };
  }

  /** Texts side by side are one. */
  #adjacent(): string {
    let text = '';
    for (let token = this.#stream.current; token.type === 'string'; token = this.#stream.current) {
      text += token.value;
      this.#stream.take();
    }
    return text;
  }

  #bracketed(): Expression {
    const stream = this.#stream;
    if (stream.skipOperator('(')) {
      const value: Expression = stream.isOperator(')') ? { type: 'tuple', items: [] } : this.tuple();
      stream.expectOperator(')');
      return value;
    }
    if (stream.skipOperator('[')) return { type: 'list', items: this.#listed(']', () => this.expression()) };
    if (!stream.skipOperator('{')) throw stream.fault('a value');
    return { type: 'mapping', entries: this.#listed('}', () => this.#entry()) };
  }

  #entry(): readonly [Expression, Expression] {
    const key = this.expression();
    this.#stream.expectOperator(':');
    return [key, this.expression()];
  }

  #listed<T>(end: string, one: () => T): T[] {
    const all: T[] = [];
    while (!this.#stream.skipOperator(end)) {
      if (all.length > 0) this.#stream.expectOperator(',');
      if (this.#stream.skipOperator(end)) return all;
      all.push(one());
    }
    return all;
  }

  #postfix(value: Expression): Expression {
    let made = value;
    for (;;) {
      if (this.#stream.skipOperator('.')) made = this.#member(made);
      else if (this.#stream.skipOperator('[')) made = this.#subscript(made);
      else if (this.#stream.isOperator('(')) made = { type: 'call', of: made, call: this.#arguments() };
      else return made;
    }
  }

  #filtered(value: Expression): Expression {
    let made = value;
    for (;;) {
      if (this.#stream.skipOperator('|')) made = { type: 'filter', of: made, filter: this.#step() };
      else if (this.#stream.skipName('is')) made = this.#test(made);
      else if (this.#stream.isOperator('(')) made = { type: 'call', of: made, call: this.#arguments() };
      else return made;
    }
  }

  #member(of: Expression): Expression {
    const token = this.#stream.take();
    if (token.type === 'name') return { type: 'member', of, name: token.value };
    if (token.type === 'int') return { type: 'item', of, key: { type: 'constant', value: int(token.value) } };
    throw new Error('a point needs the name of a member behind it');
  }

  #subscript(of: Expression): Expression {
    const keys = this.#listed(']', () => this.#subscribed(of));
    const [first] = keys;
    if (!first) throw this.#stream.fault('a key');
    if (keys.length === 1 && first.type !== 'key') return first;
    const items = keys.map((key) => (key.type === 'key' ? key.key : key));
    return {
      type: 'item',
      of,
      key: items.length === 1 ? (items[0] as Expression) : { type: 'tuple', items },
    };
  }

  #subscribed(of: Expression): Expression | { readonly type: 'key'; readonly key: Expression } {
    const bounds: (Expression | undefined)[] = [];
    for (;;) {
      const isBound = !this.#stream.isOperator(':', ']', ',');
      bounds.push(isBound ? this.expression() : undefined);
      if (!this.#stream.skipOperator(':')) break;
    }
    if (bounds.length > 3) throw new Error('a slice has three bounds at most');
    const [key] = bounds;
    if (bounds.length === 1 && key) return { type: 'key', key };
    return { type: 'slice', of, bounds };
  }

  #step(): Step {
    let name = this.#stream.expectName();
    while (this.#stream.skipOperator('.')) name += `.${this.#stream.expectName()}`;
    return { name, call: this.#stream.isOperator('(') ? this.#arguments() : NO_CALL };
  }

  #test(of: Expression): Expression {
    const isNot = this.#stream.skipName('not');
    const { name, call } = this.#step();
    const bare = call === NO_CALL ? this.#bareArgument() : undefined;
    return { type: 'test', of, test: { name, call: bare ? { args: [bare], named: [] } : call }, isNot };
  }

  /** Of a test that is written without brackets, as in `is divisibleby 3`. */
  #bareArgument(): Expression | undefined {
    const stream = this.#stream;
    if (stream.isName('is')) throw new Error('tests can not be chained with "is"');
    const isName = stream.isName() && !stream.isName('else', 'or', 'and');
    const isLiteral = ['string', 'int', 'float'].includes(stream.current.type) || stream.isOperator('[', '{');
    return isName || isLiteral ? this.#bareValue() : undefined;
  }

  #bareValue(): Expression | undefined {
    // `a is defined if b`, `… is odd in c`, `… not in d`: no value begins with these.
    if (this.#stream.isName('if', 'in', 'not')) return undefined;
    return this.#postfix(this.#primary());
  }

  #arguments(): Arguments {
    const stream = this.#stream;
    stream.expectOperator('(');
    const args: Expression[] = [];
    const named: [string, Expression][] = [];
    let list: Expression | undefined;
    let mapping: Expression | undefined;
    this.#listed(')', () => {
      const { current, next } = stream;
      if (stream.skipOperator('**')) mapping = this.expression();
      else if (stream.skipOperator('*')) list = this.expression();
      else if (current.type === 'name' && next.type === 'operator' && next.value === '=') {
        stream.take();
        stream.take();
        named.push([current.value, this.expression()]);
      } else args.push(this.expression());
    });
    return { args, named, list, mapping };
  }
}
