/**
 * One layer of a q8 cache: its numbers, and beside them, one for each head of a row, its scales. Both lie and move as any
 * layer's rows do; rows are taken apart as they come in (q8-rows.ts), so that kernels read either in place.
 */
import { KvrError } from '../../../core/errors.js';
import type { CacheLayer, HeadRows, LayerPlace, RowsAt } from './cache-layer.js';
import type { KeysAndValues } from './cpu-cache-rows.js';
import { LayerRows } from './layer-rows.js';
import { joinRows, type NumbersAndScales, splitRows } from './q8-rows.js';

export class ScaledLayerRows implements CacheLayer {
  readonly #headDim: number;
  readonly #numbers: LayerRows;
  readonly #scales: LayerRows;

  /** As LayerRows. */
  constructor(place: LayerPlace, numbers: KeysAndValues, scales: KeysAndValues, from: number) {
    this.#headDim = place.headDim;
    this.#numbers = new LayerRows(place, numbers, from);
    this.#scales = new LayerRows({ ...place, headDim: 1 }, scales, from);
  }

  get span(): CacheLayer['span'] {
    return this.#numbers.span;
  }

  get strideRows(): number {
    return this.#numbers.strideRows;
  }

  get all(): HeadRows {
    return { ...this.#numbers.all, scales: this.#scales.all };
  }

  beginAt(from: number, end: number): void {
    this.#numbers.beginAt(from, end);
    this.#scales.beginAt(from, end);
  }

  startOver(from: number): void {
    this.#numbers.startOver(from);
    this.#scales.startOver(from);
  }

  write({ start, keys, values }: RowsAt): void {
    const [ofKeys, ofValues] = [this.#split(keys), this.#split(values)];
    this.#numbers.write({ start, keys: ofKeys.numbers, values: ofValues.numbers });
    this.#scales.write({ start, keys: ofKeys.scales, values: ofValues.scales });
  }

  copyFrom(other: CacheLayer, from: number, end: number): void {
    if (!(other instanceof ScaledLayerRows)) throw otherType();
    this.#numbers.copyFrom(other.#numbers, from, end);
    this.#scales.copyFrom(other.#scales, from, end);
  }

  covers(start: number, end: number): boolean {
    return this.#numbers.covers(start, end);
  }

  read(start: number, end: number): RowsAt {
    const [numbers, scales] = [this.#numbers.read(start, end), this.#scales.read(start, end)];
    const join = (of: keyof KeysAndValues): Uint8Array =>
      joinRows({ numbers: bytes(numbers[of]), scales: floats(scales[of]) }, this.#headDim);
    return { start, keys: join('keys'), values: join('values') };
  }

  views(head: number, from: number, to: number): HeadRows {
    return { ...this.#numbers.views(head, from, to), scales: this.#scales.views(head, from, to) };
  }

  afterZeros(head: number, tokens: number): HeadRows {
    return { ...this.#numbers.afterZeros(head, tokens), scales: this.#scales.afterZeros(head, tokens) };
  }

  #split(rows: KeysAndValues['keys']): NumbersAndScales {
    return splitRows(bytes(rows), this.#headDim);
  }
}

function bytes(rows: KeysAndValues['keys']): Uint8Array {
  if (rows instanceof Uint8Array) return rows;
  throw otherType();
}

function floats(rows: KeysAndValues['keys']): Float32Array {
  if (rows instanceof Float32Array) return rows;
  throw otherType();
}

function otherType(): KvrError {
  return new KvrError('INTERNAL', 'rows of another element type');
}
