/**
 * The tensors of a GGUF file under the names and in the form that HuggingFace's files have, by an architecture's table.
 */
import type { WeightMatrix } from '../../../core/checkpoint.js';
import { asVector, selectRows, type RowRun } from '../../checkpoint/matrix.js';
import { MAX_TENSORS } from '../../checkpoint/safetensors.js';
import type { ArchitectureTable, ModelFacts, TensorName } from '../architectures/index.js';
import { CONFIG_VECTORS } from '../architectures/index.js';
import { broken, notSupported, quoted } from '../header/broken.js';
import { asColumn, halvesFromNeighbours, lessOne } from './views.js';

/** A tensor of the file: its sizes, outermost first, and all its innermost rows. */
export type StoredTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly matrix: WeightMatrix;
};

/** A tensor under its HuggingFace name; vectors are [1, n]. */
export type NamedTensor = StoredTensor & { readonly storedName: string };

const OUTER_NAMES: Readonly<Record<string, TensorName>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};
const LAYER_PREFIX = 'model.layers.N.';
/** Copies of what the config says, and inverse frequencies of old files. */
const UNREAD = new Set<string>([...CONFIG_VECTORS, 'rope_freqs.bias']);
const UNREAD_IN_LAYER = new Set(['attn_rot_embd', 'attention.rotary_emb.inv_freq', 'rope_freqs']);
/** Experts of a layer, or heads with a norm of their own; models in use have up to 512. */
const MAX_SLICES = 4096;

/** @throws UNSUPPORTED_MODEL for a tensor that the table does not know: a model is not run with a part left out */
export function namedTensors(
  stored: Iterable<StoredTensor>,
  table: ArchitectureTable,
  facts: ModelFacts,
): Map<string, NamedTensor> {
  const named = new Map<string, NamedTensor>();
  for (const tensor of stored) {
    for (const each of namesOf(tensor, table, facts)) {
      named.set(each.name, { ...each, storedName: tensor.name });
    }
    if (named.size > MAX_TENSORS) throw tooMany(tensor, named.size, MAX_TENSORS, facts);
  }
  return named;
}

function namesOf(tensor: StoredTensor, table: ArchitectureTable, facts: ModelFacts): StoredTensor[] {
  if (UNREAD.has(tensor.name)) return [];
  const [, layer, role, suffix] = /^(?:blk\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(tensor.name) ?? [];
  if (role === undefined || suffix === undefined) throw unknown(tensor, facts);
  if (layer !== undefined && UNREAD_IN_LAYER.has(role)) return [];
  const names = layer === undefined ? { ...OUTER_NAMES, ...table.outer } : table.layer;
  const name = Object.hasOwn(names, role) ? names[role] : undefined;
  if (name === undefined) throw unknown(tensor, facts);
  const prefix = layer === undefined ? '' : (table.layerPrefix ?? LAYER_PREFIX).replace('N', layer);
  const own = ownForm(tensor, role, table, facts);
  if (typeof name === 'object' && 'bare' in name) return [{ ...own, name: `${prefix}${name.bare}` }];
  return splitUp(own, name, facts).map((part) => ({ ...part, name: `${prefix}${part.name}.${suffix}` }));
}

function tooMany({ name }: StoredTensor, count: number, most: number, { metadata }: ModelFacts): Error {
  return broken(metadata.path, `tensor ${quoted(name)} makes ${count} tensors, the most is ${most}`);
}

function unknown({ name }: StoredTensor, { metadata, architecture }: ModelFacts): Error {
  const what = `tensor ${quoted(name)} in architecture ${architecture}`;
  return notSupported(metadata.path, what, 'the tensors of its published models');
}

/** The tensor as it was before conversion. */
function ownForm(
  tensor: StoredTensor,
  role: string,
  { hasNeighbours, hasWholeNorms }: ArchitectureTable,
  { headDim }: ModelFacts,
): StoredTensor {
  const { matrix, shape } = tensor;
  if (hasNeighbours && (role === 'attn_q' || role === 'attn_k')) {
    const isVector = shape.length === 1;
    const rows = halvesFromNeighbours(isVector ? asColumn(matrix) : matrix, headDim);
    return { ...tensor, matrix: isVector ? asVector(rows) : rows };
  }
  if (hasWholeNorms && role.endsWith('norm')) return { ...tensor, matrix: lessOne(matrix) };
  return tensor;
}

function splitUp(
  tensor: StoredTensor,
  name: Exclude<TensorName, { readonly bare: string }>,
  facts: ModelFacts,
): StoredTensor[] {
  if (typeof name !== 'string') {
    if ('grouped' in name) return [rowsOf(tensor, name.grouped, groupedRuns(facts))];
    const { q, k, v } = fusedRuns(facts);
    return [rowsOf(tensor, name[0], [q]), rowsOf(tensor, name[1], [k]), rowsOf(tensor, name[2], [v])];
  }
  if (!name.includes('*')) return [{ ...tensor, name }];
  const [count = 0] = tensor.shape;
  if (count > MAX_SLICES) throw tooMany(tensor, count, MAX_SLICES, facts);
  return slicesOf(tensor, name);
}

/** One tensor for each index of the outermost dimension. */
function slicesOf({ matrix, shape }: StoredTensor, name: string): StoredTensor[] {
  const [count = 0, ...inner] = shape;
  const rows = matrix.rows / count;
  return Array.from({ length: count }, (_, index) => ({
    name: name.replace('*', String(index)),
    shape: inner,
    matrix: selectRows(matrix, [{ start: index * rows, end: (index + 1) * rows }]),
  }));
}

/** Rows of a matrix, or elements of a vector. */
function rowsOf({ matrix, shape }: StoredTensor, name: string, runs: readonly RowRun[]): StoredTensor {
  const rows = runs.reduce((sum, run) => sum + run.end - run.start, 0);
  const isVector = shape.length === 1;
  const selected = selectRows(isVector ? asColumn(matrix) : matrix, runs);
  return {
    name,
    shape: [rows, ...shape.slice(1)],
    matrix: isVector ? asVector(selected) : selected,
  };
}

/** Queries, keys and values below each other. */
function fusedRuns({ heads, kvHeads, headDim }: ModelFacts): Record<'q' | 'k' | 'v', RowRun> {
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  return {
    q: { start: 0, end: queries },
    k: { start: queries, end: queries + keys },
    v: { start: queries + keys, end: queries + 2 * keys },
  };
}

/** All queries, then all keys, then all values, as one group for each KV head: its queries, its key, its value. */
function groupedRuns(facts: ModelFacts): RowRun[] {
  const { heads, kvHeads, headDim } = facts;
  const { q, k, v } = fusedRuns(facts);
  const queryRows = (heads / kvHeads) * headDim;
  const part = ({ start }: RowRun, group: number, rows: number): RowRun => ({
    start: start + group * rows,
    end: start + (group + 1) * rows,
  });
  return Array.from({ length: kvHeads }, (_, group) => [
    part(q, group, queryRows),
    part(k, group, headDim),
    part(v, group, headDim),
  ]).flat();
}
