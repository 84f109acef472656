/**
 * Which layers have the window, where a file says it: a list of truths, one a layer, or a number n by which every n-th layer sees
 * everything (0: none does).
 */
import { broken, quoted } from '../header/broken.js';
import { layerIndices, type ModelFacts } from './model-facts.js';

type LayerTypes = { readonly layer_types?: readonly string[] };

/** @throws BAD_CHECKPOINT where the list has another length */
export function windowPattern({ architecture, metadata, number, layers }: ModelFacts): LayerTypes {
  const key = `${architecture}.attention.sliding_window_pattern`;
  if (!metadata.has(key) || (number('attention.sliding_window') ?? 0) === 0) return {};
  const list = metadata.isList(key) ? metadata.booleans(key) : undefined;
  if (list !== undefined && list.length !== layers)
    throw broken(metadata.path, `metadata ${quoted(key)} has ${list.length} entries, it must have ${layers}`);
  const period = list === undefined ? (metadata.number(key) ?? 0) : 0;
  const isWindowed = (layer: number): boolean =>
    list === undefined ? period === 0 || (layer + 1) % period !== 0 : list[layer] === true;
  return {
    layer_types: layerIndices(layers).map((l) => (isWindowed(l) ? 'sliding_attention' : 'full_attention')),
  };
}
