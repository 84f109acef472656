/**
 * Rotary position tables: position p turns pair j of a head by the angle p·frequency[j]. Computed in f64, rounded once. A model
 * has one table for every kind of positions that its layers have; rows carry them all. Pure.
 */
import { isStretchedAt, type Rotary } from '../../../core/layers/rotary.js';
import type { ModelShape } from '../../../core/shape.js';
import type { RowPositions } from '../../backend/backend.js';
import { viewRows } from './arrays.js';
import { type RotaryFrequencies, rotaryFrequencies } from './rotary-frequencies.js';

/** [rows, dims/2] f32 each, row r for the position of row r. */
export type RotaryTable = { readonly cos: Float32Array; readonly sin: Float32Array };

/** The kinds of rotary positions of a model, and which of them a layer has. */
export class RotaryKinds {
  readonly #kinds: readonly FrequenciesOf[];
  /** One for each of the shape's specs. */
  readonly #ofSpecs: readonly (number | undefined)[];

  constructor({ specs }: ModelShape) {
    const texts = specs.map(({ attention }) => attention.rotary && JSON.stringify(attention.rotary));
    const kinds = [...new Set(texts.filter((text) => text !== undefined))];
    this.#ofSpecs = texts.map((text) => (text === undefined ? undefined : kinds.indexOf(text)));
    this.#kinds = kinds.map((kind) =>
      rememberedFrequencies(specs[texts.indexOf(kind)]?.attention.rotary as Rotary),
    );
  }

  /** Which of the tables turns rows of a layer; undefined where none does. */
  indexOf(layer: number): number | undefined {
    return this.#ofSpecs[layer % this.#ofSpecs.length];
  }

  tables(rows: number, at: RowPositions): RotaryTable[] {
    return this.#kinds.map((frequenciesOf) => fill(frequenciesOf, rows, at));
  }
}

type FrequenciesOf = (promptTokens: number) => RotaryFrequencies;

/** Only prompts beyond what the model was made for have frequencies of their own; all others share theirs. */
function rememberedFrequencies(rotary: Rotary): FrequenciesOf {
  const usual = rotaryFrequencies(rotary, 1);
  let last: { readonly promptTokens: number; readonly frequencies: RotaryFrequencies } | undefined;
  return (promptTokens) => {
    if (!isStretchedAt(rotary, promptTokens)) return usual;
    if (last?.promptTokens !== promptTokens)
      last = { promptTokens, frequencies: rotaryFrequencies(rotary, promptTokens) };
    return last.frequencies;
  };
}

export function rotaryTable(rotary: Rotary, rows: number, at: RowPositions): RotaryTable {
  return fill((promptTokens) => rotaryFrequencies(rotary, promptTokens), rows, at);
}

function fill(
  frequenciesOf: FrequenciesOf,
  rows: number,
  { positions, promptTokens }: RowPositions,
): RotaryTable {
  const common = typeof promptTokens === 'number' ? frequenciesOf(promptTokens) : undefined;
  const pairs = (common ?? frequenciesOf(1)).perPosition.length;
  const cos = new Float32Array(rows * pairs);
  const sin = new Float32Array(rows * pairs);
  for (let row = 0, at = 0; row < rows; row++) {
    const position = typeof positions === 'number' ? positions + row : (positions[row] as number);
    const { perPosition, amplitude } =
      common ?? frequenciesOf((promptTokens as readonly number[])[row] as number);
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
