/**
 * The tensors of a GGUF model for who reads those of a HuggingFace folder.
 */
import type { WeightMatrix } from '../../../core/checkpoint.js';
import type { KvrError } from '../../../core/errors.js';
import type { TensorSource } from '../../checkpoint/safetensors.js';
import { broken, quoted } from '../header/broken.js';
import type { NamedTensor } from './named-tensors.js';
import { asColumn } from './views.js';

export type SourceFiles = {
  /** What messages name. */
  readonly path: string;
  readonly files: readonly string[];
  readonly close: () => Promise<void>;
};

export function tensorSource(
  { path, files, close }: SourceFiles,
  tensors: ReadonlyMap<string, NamedTensor>,
): TensorSource {
  const found = (name: string, shape: readonly number[]): WeightMatrix => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw missing(path, name, shape);
    checkShape(path, tensor, shape);
    return tensor.matrix;
  };
  return {
    files,
    names: () => [...tensors.keys()],
    has: (name) => tensors.has(name),
    matrix: (name, rows, columns) => found(name, [rows, columns]),
    vector: (name, length) => found(name, [length]),
    column: (name, length) => asColumn(found(name, [length])),
    stacked: (name, sizes) => found(name, sizes),
    bytes: (name) => {
      throw broken(path, `it has no bytes for ${name}: its kinds of weights are read as numbers`);
    },
    close,
  };
}

function missing(path: string, name: string, shape: readonly number[]): KvrError {
  const what = `it has no tensor for ${name} [${shape.join(', ')}], which its metadata call for`;
  return broken(path, what);
}

function checkShape(path: string, { storedName, name, shape }: NamedTensor, wanted: readonly number[]): void {
  if (shape.join() === wanted.join()) return;
  const what = `tensor ${quoted(storedName)} makes ${name} [${shape.join(', ')}], its metadata [${wanted.join(', ')}]`;
  throw broken(path, what);
}
