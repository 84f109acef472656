/**
 * What there is to choose from where a repository holds GGUF files alone.
 */
import { KvrError } from '../../core/errors.js';
import { type GgufModel, type HubName, hubNameText } from '../../model/hub/index.js';
import type { OutputFlags } from '../flags/index.js';
import { formatBytes, oneLine } from '../terminal/format.js';
import type { Output } from '../terminal/shell.js';

/** Repositories have 20 to 30; more lines help nobody. */
const MAX_LINES = 60;
/** Good for most machines, in this order; else the first. */
const USUAL = [/Q4_K_M/i, /Q8_0/i, /Q4_0/i];

/** Lists the files with their sizes. @returns the error that names the command */
export function fileChoice(
  name: HubName,
  models: readonly GgufModel[],
  flags: OutputFlags,
  output: Output,
): KvrError {
  if (!flags.json && !flags.quiet) output.write(choiceLines(models).join(''));
  const usual = USUAL.flatMap((kind) => models.filter(({ path }) => kind.test(path)))[0] ?? models[0];
  const repo = hubNameText(name);
  return new KvrError(
    'BAD_INPUT',
    `${repo} holds GGUF files alone, ${models.length} of them; name one, as in: kvr pull ${repo} --file ${usual?.path ?? 'FILE.gguf'}`,
    {
      files: models
        .slice(0, MAX_LINES)
        .map(({ path }) => path)
        .join(' '),
    },
  );
}

function choiceLines(models: readonly GgufModel[]): string[] {
  const lines = models
    .slice(0, MAX_LINES)
    .map(({ path, bytes }) => `${formatBytes(bytes).padStart(9)}  ${oneLine(path)}\n`);
  const more = models.length - lines.length;
  return more > 0 ? [...lines, `${' '.repeat(11)}and ${more} more\n`] : lines;
}
