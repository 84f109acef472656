/**
 * Rotary position tables: position p turns pair j of a head by the angle p·frequency[j]. Computed in f64, rounded once. A model
 * has one table for every kind of positions that its layers have; rows carry them all. Pure.
 */
import type { Rotary } from '../../../core/layers/rotary.js';
import { layerSpec, type ModelShape } from '../../../core/shape.js';
import type { RowPositions } from '../../backend/backend.js';
import { viewRows } from './arrays.js';
import { rotaryFrequencies } from './rotary-frequencies.js';

/** [rows, dims/2] f32 each, row r for the position of row r. */
export type RotaryTable = { readonly cos: Float32Array; readonly sin: Float32Array };

/** The kinds of rotary positions of a model, and which of them a layer has. */
export class RotaryKinds {
  readonly kinds: readonly Rotary[];
  readonly #shape: ModelShape;
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(shape: ModelShape) {
    const all = shape.specs.flatMap(({ attention: { rotary } }) => (rotary ? [rotary] : []));
    const byText = new Map(all.map((rotary) => [JSON.stringify(rotary), rotary]));
    this.kinds = [...byText.values()];
    this.#indexes = new Map([...byText.keys()].map((text, index) => [text, index]));
    this.#shape = shape;
  }

  /** Which of the tables turns rows of a layer; undefined where none does. */
  indexOf(layer: number): number | undefined {
    const { rotary } = layerSpec(this.#shape, layer).attention;
    return rotary && this.#indexes.get(JSON.stringify(rotary));
  }

  tables(rows: number, at: RowPositions): RotaryTable[] {
    return this.kinds.map((rotary) => rotaryTable(rotary, rows, at));
  }
}

export function rotaryTable(
  rotary: Rotary,
  rows: number,
  { positions, promptTokens }: RowPositions,
): RotaryTable {
  const pairs = rotary.dims / 2;
  const cos = new Float32Array(rows * pairs);
  const sin = new Float32Array(rows * pairs);
  const common = typeof promptTokens === 'number' ? rotaryFrequencies(rotary, promptTokens) : undefined;
  for (let row = 0, at = 0; row < rows; row++) {
    const position = typeof positions === 'number' ? positions + row : (positions[row] as number);
    const { perPosition, amplitude } =
      common ?? rotaryFrequencies(rotary, (promptTokens as readonly number[])[row] as number);
    for (let pair = 0; pair < pairs; pair++, at++) {
      const angle = position * (perPosition[pair] as number);
      cos[at] = amplitude * Math.cos(angle);
      sin[at] = amplitude * Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Rows [from, to) of every table, as views. */
export function viewTables(
  tables: readonly RotaryTable[],
  count: number,
  from: number,
  to: number,
): RotaryTable[] {
  return tables.map(({ cos, sin }) => ({
    cos: viewRows(cos, count, from, to),
    sin: viewRows(sin, count, from, to),
  }));
}
