/**
 * Reads a template's statements. Tags that need other templates (extends, include, import) are refused: a checkpoint's
 * template stands alone.
 */
import { ExpressionParser } from './expression-parser.js';
import type { Expression, Signature, Statement, Target } from './nodes.js';
import { TokenStream } from './token-stream.js';
import { tokensOf } from './tokens.js';

/** @throws Error where the source is no template */
export function parseStatements(source: string): readonly Statement[] {
  return new Parser(new TokenStream(tokensOf(source))).template();
}

/** What every macro knows without being given it. */
const OWN_NAMES: ReadonlySet<string> = new Set(['caller', 'varargs', 'kwargs']);

class Parser {
  readonly #stream: TokenStream;
  readonly #expressions: ExpressionParser;
  /** Of the macros that are open, which of their own names they read. */
  readonly #reads: Set<string>[] = [];
  #loops = 0;

  constructor(stream: TokenStream) {
    this.#stream = stream;
    this.#expressions = new ExpressionParser(stream, (name) => {
      if (OWN_NAMES.has(name)) this.#reads.at(-1)?.add(name);
    });
  }

  template(): readonly Statement[] {
    const statements = this.#until();
    if (this.#stream.current.type !== 'end') throw this.#stream.fault('the end of the template');
    return statements;
  }

  /** Statements up to a tag of one of these names, which is taken but for its end; without names, to the template's end. */
  #until(...ends: readonly string[]): Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      const token = this.#stream.take();
      if (token.type === 'text') statements.push({ type: 'text', text: token.value });
      else if (token.type === 'print') statements.push(this.#print());
      else if (token.type === 'statement') {
        if (ends.length > 0 && this.#stream.isName(...ends)) return statements;
        statements.push(...this.#statement());
      } else if (token.type === 'end' && ends.length === 0) return statements;
      else throw new Error(`the tag "${ends.join('" or "')}" is missing`);
    }
  }

  #print(): Statement {
    const value = this.#expressions.tuple();
    this.#stream.expect('print end');
    return { type: 'print', value };
  }

  #statement(): Statement[] {
    const name = this.#stream.expectName();
    const read = Object.hasOwn(this.#tags, name) ? this.#tags[name] : undefined;
    if (!read) throw new Error(`the tag "${name.slice(0, 40)}" is not known`);
    return [read()];
  }

  readonly #tags: Readonly<Record<string, () => Statement>> = {
    if: () => this.#if(),
    for: () => this.#for(),
    set: () => this.#set(),
    with: () => this.#with(),
    macro: () => this.#macro(),
    call: () => this.#call(),
    filter: () => this.#filter(),
    block: () => this.#block(),
    autoescape: () => this.#autoescape(),
    generation: () => ({ type: 'scope', body: this.#body('endgeneration') }),
    print: () => this.#printTag(),
    break: () => this.#leave('break'),
    continue: () => this.#leave('continue'),
  };

  /** To the end of the closing tag. */
  #body(end: string): Statement[] {
    this.#stream.expect('statement end');
    const body = this.#until(end);
    this.#close(end);
    return body;
  }

  #close(end: string): void {
    this.#stream.expectName(end);
    this.#stream.expect('statement end');
  }

  #if(): Statement {
    const test = this.#expressions.tuple(true);
    this.#stream.expect('statement end');
    const yes = this.#until('elif', 'else', 'endif');
    if (this.#stream.skipName('elif')) return { type: 'if', test, yes, no: [this.#if()] };
    if (this.#stream.skipName('else')) return { type: 'if', test, yes, no: this.#body('endif') };
    this.#close('endif');
    return { type: 'if', test, yes, no: [] };
  }

  #for(): Statement {
    const target = this.#target();
    this.#stream.expectName('in');
    const over = this.#expressions.tuple(true);
    const test = this.#stream.skipName('if') ? this.#expressions.expression() : undefined;
    const isRecursive = this.#stream.skipName('recursive');
    this.#stream.expect('statement end');
    this.#loops += 1;
    const body = this.#until('else', 'endfor');
    this.#loops -= 1;
    const loop = { type: 'for', target, over, test, isRecursive, body } as const;
    if (this.#stream.skipName('else')) return { ...loop, otherwise: this.#body('endfor') };
    this.#close('endfor');
    return { ...loop, otherwise: [] };
  }

  #leave(type: 'break' | 'continue'): Statement {
    if (this.#loops === 0) throw new Error(`"${type}" stands in no loop`);
    this.#stream.expect('statement end');
    return { type };
  }

  #set(): Statement {
    const target = this.#target();
    if (this.#stream.skipOperator('=')) {
      const value = this.#expressions.tuple();
      this.#stream.expect('statement end');
      return { type: 'set', target, value };
    }
    const filters = this.#expressions.filters(false);
    return { type: 'set block', target, filters, body: this.#body('endset') };
  }

  /** A name, the member of a namespace, or several, with or without brackets. */
  #target(): Target {
    const first = this.#oneTarget();
    if (!this.#stream.isOperator(',')) return first;
    const targets = [first];
    while (this.#stream.skipOperator(',') && (this.#stream.isName() || this.#stream.isOperator('('))) {
      if (this.#stream.isName('in')) break;
      targets.push(this.#oneTarget());
    }
    return { type: 'several', targets };
  }

  #oneTarget(): Target {
    if (this.#stream.skipOperator('(')) {
      const target = this.#target();
      this.#stream.expectOperator(')');
      return target;
    }
    const name = this.#stream.expectName();
    if (['true', 'false', 'none', 'True', 'False', 'None'].includes(name))
      throw new Error(`"${name}" can not be set`);
    if (!this.#stream.skipOperator('.')) return { type: 'name', name };
    return { type: 'member', of: name, name: this.#stream.expectName() };
  }

  #with(): Statement {
    const sets: [Target, Expression][] = [];
    while (this.#stream.current.type !== 'statement end') {
      if (sets.length > 0) this.#stream.expectOperator(',');
      const target = this.#oneTarget();
      this.#stream.expectOperator('=');
      sets.push([target, this.#expressions.expression()]);
    }
    return { type: 'with', sets, body: this.#body('endwith') };
  }

  #macro(): Statement {
    const name = this.#stream.expectName();
    const parameters = this.#parameters();
    const [body, reads] = this.#macroBody('endmacro');
    return { type: 'macro', name, signature: { parameters, reads }, body };
  }

  /** A loop around a macro is none of its own. */
  #macroBody(end: string): [Statement[], ReadonlySet<string>] {
    const loops = this.#loops;
    const reads = new Set<string>();
    this.#reads.push(reads);
    this.#loops = 0;
    const body = this.#body(end);
    this.#loops = loops;
    this.#reads.pop();
    return [body, reads];
  }

  #parameters(): Signature['parameters'] {
    const stream = this.#stream;
    const all: { name: string; byDefault: Expression | undefined }[] = [];
    stream.expectOperator('(');
    while (!stream.skipOperator(')')) {
      if (all.length > 0) stream.expectOperator(',');
      if (stream.skipOperator(')')) break;
      const name = stream.expectName();
      all.push({ name, byDefault: stream.skipOperator('=') ? this.#expressions.expression() : undefined });
    }
    return all;
  }

  #call(): Statement {
    const parameters = this.#stream.isOperator('(') ? this.#parameters() : [];
    const call = this.#expressions.unary(false);
    if (call.type !== 'call') throw new Error('a call block needs a call');
    const [body, reads] = this.#macroBody('endcall');
    return { type: 'call block', call, signature: { parameters, reads }, body };
  }

  #filter(): Statement {
    const filters = this.#expressions.filters(true);
    return { type: 'filter block', filters, body: this.#body('endfilter') };
  }

  #block(): Statement {
    const name = this.#stream.expectName();
    while (this.#stream.skipName('scoped') || this.#stream.skipName('required'));
    this.#stream.expect('statement end');
    const body = this.#until('endblock');
    this.#stream.expectName('endblock');
    this.#stream.skipName(name);
    this.#stream.expect('statement end');
    return { type: 'scope', body };
  }

  /** Nothing is escaped by itself here. */
  #autoescape(): Statement {
    const { current } = this.#stream;
    if (current.type !== 'name' || !['false', 'False'].includes(current.value))
      throw new Error('autoescape is supported with false alone');
    this.#stream.take();
    return { type: 'scope', body: this.#body('endautoescape') };
  }

  #printTag(): Statement {
    const value = this.#expressions.tuple();
    this.#stream.expect('statement end');
    return { type: 'print', value };
  }
}
