/**
 * Collects nodes, constants, inputs and outputs of one graph. Values are referred to by name; every method that
 * adds a node returns the name of its first output, so that graphs read like formulas.
 */
import type { Attribute, ElementType, Graph, Initializer, Node, ValueInfo } from './proto.js';

type AttributeValue =
  number | string | readonly number[] | { readonly float: number } | { readonly graph: Graph };
export type NodeOptions = {
  readonly domain?: 'com.microsoft';
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Names of the outputs; one is made up when absent. */
  readonly outputs?: readonly string[];
};

export class GraphBuilder {
  readonly #name: string;
  readonly #outer: GraphBuilder | undefined;
  readonly #nodes: Node[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];

  /** @param outer of a graph inside a node: it may use the outer one's values, and its constants lie there. */
  constructor(name: string, outer?: GraphBuilder) {
    this.#name = name;
    this.#outer = outer;
  }

  input(name: string, type: ElementType, dims: ValueInfo['dims']): string {
    this.#inputs.push({ name, type, dims });
    return name;
  }

  /** Declares the value `name` an output of the graph; a value that is not declared is not copied out. */
  output(name: string, type: ElementType, dims: ValueInfo['dims']): void {
    this.#outputs.push({ name, type, dims });
  }

  /** Adds a node; an empty input name leaves an optional input out. */
  node(op: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const outputs = options.outputs ?? [`${this.#outer ? `${this.#name}/` : ''}${op}_${this.#nodes.length}`];
    const attributes = Object.entries(options.attributes ?? {}).map(([name, value]) =>
      toAttribute(name, value),
    );
    this.#nodes.push({ op, domain: options.domain ?? '', inputs, outputs, attributes });
    return outputs[0] ?? '';
  }

  initializer(initializer: Initializer): string {
    if (this.#outer) return this.#outer.initializer(initializer);
    this.#initializers.push(initializer);
    return initializer.name;
  }

  /** A small constant held in the graph itself. */
  constant(
    name: string,
    type: 'f32' | 'i64' | 'i32',
    dims: readonly number[],
    values: readonly number[],
  ): string {
    return this.initializer({ name, type, dims, data: toBytes(type, values) });
  }

  build(): Graph {
    return {
      name: this.#name,
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }
}

function toAttribute(name: string, value: AttributeValue): Attribute {
  if (typeof value === 'number') return { name, int: value };
  if (typeof value === 'string') return { name, text: value };
  if ('float' in value) return { name, float: value.float };
  if ('graph' in value) return { name, graph: value.graph };
  return { name, ints: value };
}

function toBytes(type: 'f32' | 'i64' | 'i32', values: readonly number[]): Uint8Array {
  if (type === 'f32') return new Uint8Array(Float32Array.from(values).buffer);
  if (type === 'i32') return new Uint8Array(Int32Array.from(values).buffer);
  return new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
}
