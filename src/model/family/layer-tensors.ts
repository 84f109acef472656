/**
 * The tensors of one layer, or of all that is not in a layer, by their names behind a prefix.
 */
import type { LinearWeights, NormWeights, WeightMatrix } from '../../core/checkpoint.js';
import { asVector, type RowRun, selectRows } from '../checkpoint/matrix.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import { plusOne } from './plus-one.js';

export type NormOptions = {
  /** What is added to the weights of a norm that are stored around zero. */
  readonly normOffset: 0 | 1;
  readonly normBias: boolean;
};

export class LayerTensors {
  readonly source: TensorSource;
  readonly prefix: string;
  readonly #options: NormOptions;

  constructor(source: TensorSource, prefix: string, options: NormOptions) {
    this.source = source;
    this.prefix = prefix;
    this.#options = options;
  }

  has(name: string): boolean {
    return this.source.has(`${this.prefix}${name}`);
  }

  /** With a bias where the file has one, or where it should. */
  linear(name: string, rows: number, columns: number, hasBias?: boolean): LinearWeights {
    const weight = this.source.matrix(`${this.prefix}${name}.weight`, rows, columns);
    const isBiased = hasBias ?? this.has(`${name}.bias`);
    return isBiased ? { weight, bias: this.vector(`${name}.bias`, rows) } : { weight };
  }

  /** Some rows of a tensor [rows, columns] that holds several linear layers. */
  rows(
    name: string,
    [rows, columns]: readonly [number, number],
    runs: readonly RowRun[],
    hasBias?: boolean,
  ): LinearWeights {
    const weight = selectRows(this.source.matrix(`${this.prefix}${name}.weight`, rows, columns), runs);
    if (!(hasBias ?? this.has(`${name}.bias`))) return { weight };
    const bias = this.source.column(`${this.prefix}${name}.bias`, rows);
    return { weight, bias: asVector(selectRows(bias, runs)) };
  }

  vector(name: string, length: number): WeightMatrix {
    return this.source.vector(`${this.prefix}${name}`, length);
  }

  norm(name: string, width: number, hasBias = this.#options.normBias): NormWeights {
    const weight = this.#shifted(this.vector(`${name}.weight`, width));
    return hasBias ? { weight, bias: this.vector(`${name}.bias`, width) } : { weight };
  }

  #shifted(weight: WeightMatrix): WeightMatrix {
    return this.#options.normOffset === 1 ? plusOne(weight) : weight;
  }
}
