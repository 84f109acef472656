/**
 * Runs `kvr pull` and tells people and programs what it does.
 */
import { KvrError } from '../../core/errors.js';
import { cacheFolder } from '../../model/cache/index.js';
import {
  checkedHubName,
  hubCacheFolder,
  type HubName,
  hubNameText,
  hubSettings,
  pullModel,
  type PullOutcome,
  type PullPlan,
} from '../../model/hub/index.js';
import { runContext, type RunContext, warningWriter } from '../run/engine-run.js';
import type { OutputFlags } from '../flags/index.js';
import { formatBytes, formatPlural } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';
import { fileChoice } from './file-choice.js';
import { PullBar } from './pull-bar.js';

export type PullFlags = OutputFlags & {
  readonly file?: string;
  readonly offline?: true;
  readonly cacheDir?: string;
};

/** @throws as pullModel; BAD_INPUT where one of several files has to be named */
export async function runPull(flags: PullFlags, argument: string | undefined, shell: Shell): Promise<void> {
  const name = namedFile(checkedHubName(argument ?? ''), flags.file);
  const settings = hubSettings();
  const context = runContext(shell, flags);
  const bar = new PullBar(context.progress);
  const startMs = performance.now();
  const outcome = await pullModel(name, {
    settings: { ...settings, isOffline: settings.isOffline || flags.offline === true },
    cache: hubCacheFolder(),
    memoFolder: cacheFolder(flags.cacheDir),
    signal: shell.signal,
    onProgress: (progress) => bar.update(progress),
    onPlan: planWriter(name, context),
    onWarning: warningWriter(context),
  }).finally(() => context.progress.clear());
  report(name, outcome, performance.now() - startMs, flags, context);
}

/** @throws BAD_INPUT where two files are named, or one that is no GGUF file */
function namedFile(name: HubName, file: string | undefined): HubName {
  if (file === undefined) return name;
  if (name.file !== undefined)
    throw new KvrError('BAD_INPUT', `--file ${file} and ${name.file} both name a file; give one of them`);
  const whole = checkedFile({ ...name, file });
  return whole;
}

function checkedFile(name: HubName): HubName {
  const { file = '' } = name;
  if (!/\.gguf$/i.test(file))
    throw new KvrError('BAD_INPUT', `--file ${file} is no GGUF file; safetensors are fetched without --file`);
  return checkedHubName(hubNameText(name));
}

function planWriter(name: HubName, { shell, progress, isQuiet }: RunContext): (plan: PullPlan) => void {
  return ({ commit, files, totalBytes, fetchBytes, freeBytes }) => {
    progress.clear();
    if (isQuiet) return;
    const here = totalBytes - fetchBytes;
    const parts = [
      `${hubNameText(name)} (${commit.slice(0, 7)})`,
      `${formatPlural(files, 'file')}, ${formatBytes(totalBytes)}`,
      here === 0 ? '' : `${formatBytes(here)} are here already`,
      fetchBytes === 0 ? 'nothing is to be fetched' : `${formatBytes(fetchBytes)} to fetch`,
      fetchBytes === 0 ? '' : `room for ${formatBytes(freeBytes)} in ${hubCacheFolder()}`,
    ];
    shell.stderr.write(`kvr: ${parts.filter(Boolean).join('; ')}\n`);
  };
}

function report(
  name: HubName,
  outcome: PullOutcome,
  ms: number,
  flags: PullFlags,
  { shell, isQuiet }: RunContext,
): void {
  if (outcome.kind === 'choose') throw fileChoice(name, outcome.models, flags, shell.stderr);
  const { commit, folder, files, fetchedBytes } = outcome;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const document = {
    model: hubNameText(name),
    revision: name.revision,
    commit,
    folder,
    files,
    bytes,
    fetchedBytes,
    ms,
  };
  if (flags.json) shell.stdout.write(`${JSON.stringify(document)}\n`);
  else shell.stdout.write(`${folder}\n`);
  if (flags.json || isQuiet || fetchedBytes === 0) return;
  const speed = `${formatBytes(fetchedBytes / (ms / 1000))}/s`;
  shell.stderr.write(
    `kvr: ${formatBytes(fetchedBytes)} fetched at ${speed}, all digests are right; use it with --model ${hubNameText(name)}\n`,
  );
}
