/**
 * Runs `kvr models`.
 */
import { KvrError } from '../../core/errors.js';
import { cacheFolder } from '../../model/cache/index.js';
import { type CompiledModel, compiledModels, removeCompiledModel } from '../../model/compiled-models.js';
import {
  type CachedModel,
  cachedModels,
  hubCacheFolder,
  isRepoName,
  removeCachedModel,
} from '../../model/hub/index.js';
import { type OutputFlags } from '../flags/index.js';
import { cut, formatBytes, oneLine } from '../terminal/format.js';
import { shown } from '../terminal/numbers.js';
import type { Output, Shell } from '../terminal/shell.js';

export type ModelsFlags = OutputFlags & { readonly remove?: string; readonly cacheDir?: string };

type Found = {
  readonly hub: { readonly folder: string; readonly models: readonly CachedModel[] };
  readonly compiled: { readonly folder: string; readonly models: readonly CompiledModel[] };
};

/** @throws MODEL_NOT_FOUND, BUSY */
export async function runModels(flags: ModelsFlags, shell: Shell): Promise<void> {
  if (flags.remove !== undefined) return remove(flags.remove, flags, shell);
  const [hub, compiled] = [hubCacheFolder(), cacheFolder(flags.cacheDir)];
  const found = {
    hub: { folder: hub, models: await cachedModels(hub) },
    compiled: { folder: compiled, models: await compiledModels(compiled) },
  };
  shell.stdout.write(flags.json ? `${JSON.stringify(documentOf(found))}\n` : table(found, shell.stdout));
}

async function remove(name: string, flags: ModelsFlags, shell: Shell): Promise<void> {
  const kind = isRepoName(name) ? 'hub' : 'compiled';
  const bytes = await (kind === 'hub'
    ? removeCachedModel(hubCacheFolder(), name)
    : removeCompiled(name, cacheFolder(flags.cacheDir)));
  if (flags.json) shell.stdout.write(`${JSON.stringify({ removed: { name, kind, bytes } })}\n`);
  else if (!flags.quiet) shell.stdout.write(`removed ${name}: ${formatBytes(bytes)} freed\n`);
}

async function removeCompiled(name: string, folder: string): Promise<number> {
  const bytes = await removeCompiledModel(folder, name);
  if (bytes !== undefined) return bytes;
  throw new KvrError(
    'MODEL_NOT_FOUND',
    `${shown(name)} is no model in ${folder}; "kvr models" lists what is there, give ORG/NAME or a name of that list`,
  );
}

function documentOf({ hub, compiled }: Found): unknown {
  const dated = <T extends { lastUsedMs: number }>({ lastUsedMs, ...model }: T) => ({
    ...model,
    lastUsed: new Date(lastUsedMs).toISOString(),
  });
  return {
    hub: { ...hub, models: hub.models.map(dated) },
    compiled: {
      ...compiled,
      models: compiled.models.map(({ model = null, dtype = null, ...each }) =>
        dated({ ...each, model, dtype }),
      ),
    },
    bytes: totalBytes({ hub, compiled }),
  };
}

function totalBytes({ hub, compiled }: Found): number {
  return [...hub.models, ...compiled.models].reduce((sum, { bytes }) => sum + bytes, 0);
}

function table(found: Found, output: Output): string {
  const { hub, compiled } = found;
  const hubRows = hub.models.map((model) => row(model, [model.name, revisionWords(model)]));
  const compiledRows = compiled.models.map((each) =>
    row(each, [each.name, [each.dtype, each.model && `of ${oneLine(each.model)}`].filter(Boolean).join(' ')]),
  );
  const lines = [
    `models of the hub, in ${hub.folder}`,
    ...(hubRows.length > 0 ? hubRows : ['  none; fetch one with: kvr pull ORG/NAME']),
    '',
    `compiled models, in ${compiled.folder}`,
    ...(compiledRows.length > 0 ? compiledRows : ['  none']),
    '',
    `${formatBytes(totalBytes(found))} in all; remove one with: kvr models --remove NAME`,
  ];
  return `${lines.map((line) => (output.isTerminal ? cut(line, output.columns) : line)).join('\n')}\n`;
}

function row({ bytes, lastUsedMs }: { bytes: number; lastUsedMs: number }, words: readonly string[]): string {
  const day = new Date(lastUsedMs).toISOString().slice(0, 10);
  return `  ${formatBytes(bytes).padStart(9)}  ${day}  ${words.filter(Boolean).join('  ')}`;
}

function revisionWords({ revisions, partialBytes }: CachedModel): string {
  const names = revisions.map(({ revision, commit }) => `${revision} ${commit.slice(0, 7)}`);
  return [...names, ...(partialBytes > 0 ? [`${formatBytes(partialBytes)} not finished`] : [])].join(', ');
}
