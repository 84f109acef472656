/**
 * The library's interpreter where it differs from Jinja as Python has it: how values are printed, what a loop's turn leaves to
 * the next, and methods of texts. Knows no limits; bounded-template adds them.
 */
import { Environment, Interpreter } from '../files/hugging-face.js';
import type { TemplateEnvironment, TemplateNode, TemplateValue } from '../files/hugging-face.js';
import { pythonText } from './python-text.js';
import { OWN_METHODS, TEXT_METHODS } from './text-methods.js';

/** Statements print their own text, or nothing; all other nodes are expressions whose value is printed. */
const STATEMENTS: ReadonlySet<string> = new Set([
  ...[
    'Program',
    'Set',
    'If',
    'For',
    'Break',
    'Continue',
    'Macro',
    'Comment',
    'CallStatement',
    'FilterStatement',
  ],
]);

export class PythonInterpreter extends Interpreter {
  readonly #loopBodies = new WeakSet<readonly TemplateNode[]>();

  override evaluate(node: TemplateNode | undefined, environment: TemplateEnvironment): TemplateValue {
    if (node?.type === 'For' && node.body) this.#loopBodies.add(node.body);
    if (node?.type === 'BinaryExpression' && node.operator?.value === '~')
      return this.#joined(node, environment);
    if (node?.type === 'FilterExpression' && node.filter?.value === 'string' && node.operand)
      return textValue(pythonText(this.evaluate(node.operand, environment)));
    const value = super.evaluate(node, environment);
    const isOpen = value.type === 'UndefinedValue' || value.type === 'FunctionValue';
    return isOpen ? (this.#method(node, value, environment) ?? value) : value;
  }

  /** What one turn of a loop sets is gone in the next. */
  override evaluateBlock(
    statements: readonly TemplateNode[],
    environment: TemplateEnvironment,
  ): TemplateValue {
    const scope = this.#loopBodies.has(statements) ? new Environment(environment) : environment;
    let text = '';
    for (const statement of statements) text += this.#printed(statement, scope);
    return textValue(text);
  }

  #printed(statement: TemplateNode, scope: TemplateEnvironment): string {
    const value = this.evaluate(statement, scope);
    if (value.type === 'StringValue') return String(value.value);
    return STATEMENTS.has(statement.type) ? '' : pythonText(value);
  }

  #joined({ left, right }: TemplateNode, environment: TemplateEnvironment): TemplateValue {
    const [first, second] = [left, right].map((part) => pythonText(this.evaluate(part, environment)));
    return textValue(`${first}${second}`);
  }

  /** @param value what the library finds: nothing, or a method that is replaced */
  #method(
    node: TemplateNode | undefined,
    value: TemplateValue,
    environment: TemplateEnvironment,
  ): TemplateValue | undefined {
    if (node?.type !== 'MemberExpression' || node.computed) return undefined;
    const { value: name } = (node.property ?? {}) as { readonly value?: unknown };
    if (typeof name !== 'string' || !Object.hasOwn(TEXT_METHODS, name)) return undefined;
    if (value.type === 'FunctionValue' && !OWN_METHODS.has(name)) return undefined;
    const { type, value: text } = this.evaluate(node.object, environment);
    if (type !== 'StringValue') return undefined;
    return valueOf((...given: unknown[]) => TEXT_METHODS[name]?.(String(text), ...given));
  }
}

/** The library does not hand out its classes. */
const TextValue = new Environment().set('text', '').constructor as new (text: string) => TemplateValue;

function textValue(text: string): TemplateValue {
  return new TextValue(text);
}

/** A value as templates have it. */
function valueOf(value: unknown): TemplateValue {
  return new Environment().set('value', value);
}
