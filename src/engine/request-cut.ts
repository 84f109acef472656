/**
 * The cut of one request by what an engine knows when its turn has come: costs, the table of partition p, rows kept of
 * earlier requests, and how busy each worker is.
 */
import { cacheFolder } from '../model/cache/index.js';
import { cutAfterPrefix } from './cached-cut.js';
import type { Cut } from './cut.js';
import type { EngineParts } from './engine-parts.js';
import type { GenerateSettings } from './options.js';
import type { CachedPrefix } from './prefix-index.js';
import { spreadCut } from './spread.js';
import { readTable } from './table-file.js';

/** @param found kept beginnings of the prompt. @throws BAD_INPUT */
export async function cutRequest(
  { model, settings, chain, book }: EngineParts,
  request: GenerateSettings,
  contextTokens: number,
  found: readonly CachedPrefix[] = [],
): Promise<Cut> {
  const { cluster, room } = chain.state;
  const { workers } = cluster;
  const owner = { model, settings, workers };
  const table =
    request.partition === 'p' ? await readTable(cacheFolder(settings.cacheDir), owner) : undefined;
  const context = { contextTokens, workers: workers.length, shape: model.shape, book, table };
  const cut = cutAfterPrefix(request, context, found);
  return spreadCut(cut, request, context, room.heldBytes);
}
