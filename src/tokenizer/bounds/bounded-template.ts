/**
 * Runs a chat template within limits. Templates come with a checkpoint, what they go over with a request: nested loops,
 * texts that double and macros that call each other are stopped by a count, wherever they run.
 */
import { Environment } from '../files/hugging-face.js';
import { PythonInterpreter } from '../template/python-interpreter.js';
import type { TemplateEnvironment, TemplateNode, TemplateValue } from '../files/hugging-face.js';
import { templateTooCostly } from './prompt-limits.js';
import type { TemplateLimits } from './prompt-limits.js';

/** Characters that are gone over in about the time of one step. */
const CHARS_PER_STEP = 1024;
/** Nodes whose value is made anew; that of a name, a member or a literal is there already. */
const MAKERS: ReadonlySet<string> = new Set(['BinaryExpression', 'CallExpression', 'FilterExpression']);

/** Runs a template that sees the given variables and the language's filters and tests, nothing else. @throws BAD_INPUT */
export function runTemplate(
  program: TemplateNode,
  variables: Iterable<readonly [string, unknown]>,
  limits: TemplateLimits,
): string {
  const environment = new Environment();
  for (const [name, value] of variables) environment.set(name, value);
  return String(new BoundedInterpreter(environment, limits).run(program).value);
}

class BoundedInterpreter extends PythonInterpreter {
  readonly #limits: TemplateLimits;
  /** Nodes whose value is gone over item by item. */
  readonly #walked = new WeakSet<TemplateNode>();
  readonly #seen = new WeakSet<TemplateNode>();
  #steps = 0;
  #chars = 0;

  constructor(environment: TemplateEnvironment, limits: TemplateLimits) {
    super(environment);
    this.#limits = limits;
  }

  override evaluate(node: TemplateNode | undefined, environment: TemplateEnvironment): TemplateValue {
    this.#step(1);
    if (!node) return super.evaluate(node, environment);
    this.#look(node);
    const made = super.evaluate(node, environment);
    if (this.#walked.has(node)) this.#step(weightOf(made.value));
    if (MAKERS.has(node.type) || node.property?.type === 'SliceExpression') this.#made(made.value);
    return made;
  }

  /** Notes which of its parts the node will go over. */
  #look(node: TemplateNode): void {
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    const { iterable, left, right, operand, argument } = node;
    for (const part of [iterable, iterable?.lhs, left, right, operand, argument])
      if (part) this.#walked.add(part);
  }

  override evaluateBlock(
    statements: readonly TemplateNode[],
    environment: TemplateEnvironment,
  ): TemplateValue {
    const text = super.evaluateBlock(statements, environment);
    this.#made(text.value);
    return text;
  }

  #made(value: unknown): void {
    if (typeof value !== 'string') return this.#step(weightOf(value));
    this.#chars += value.length;
    if (this.#chars > this.#limits.chars) throw templateTooCostly(this.#limits.chars, 'characters');
  }

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps > this.#limits.steps) throw templateTooCostly(this.#limits.steps, 'steps');
  }
}

function weightOf(value: unknown): number {
  if (typeof value === 'string') return Math.floor(value.length / CHARS_PER_STEP);
  if (Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 0;
}
