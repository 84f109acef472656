/**
 * `kvr demo`: the first command of a new user. Asks the model that ships with the package about the text that ships
 * with it, over one worker and over two, and checks both answers.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { KvrError } from '../../core/errors.js';
import { middleOf } from '../../core/statistics.js';
import type { Command } from '../run/command.js';
import { runContext, type RunContext, runRequest, withEngine } from '../run/engine-run.js';
import {
  engineOptions,
  machineFlags,
  type ModelFlags,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';
import { chainWords, type Run, runReport } from '../run/report.js';
import type { Shell } from '../terminal/shell.js';
import { closing, opening, title } from './demo-words.js';

type Flags = Pick<ModelFlags, 'cacheDir'> & OutputFlags;

const MODEL = 'quote';
const TEXT = fileURLToPath(new URL('../../../examples/harbour-log.txt', import.meta.url));
/** What examples/README.md says the text answers. */
const ANSWER = '4821.';
/** A byte is a token. */
const MAX_TOKENS = ANSWER.length;
/** One run says little on a machine that does other work too. */
const TIMES = 3;

export const demo: Command<Flags> = {
  flags: () => [...machineFlags().filter((option) => option.name() === 'cache-dir'), ...outputFlags()],
  epilogue: `Runs the model "quote" on a text of 4,698 tokens over 1 worker and over 2, with the cores of this machine shared out,
${TIMES} times each; the figures are those of the run in the middle.
--json prints { "expected", "isSame", "isRight", "runs": [ … ] }, with the results of both as kvr generate prints them.

Example:
  kvr demo`,
  run: runDemo,
};

async function runDemo(flags: Flags, _argument: string | undefined, shell: Shell): Promise<void> {
  const prompt = await readFile(TEXT, 'utf8');
  const context = runContext(shell, flags);
  const tell = flags.json || flags.quiet ? () => undefined : (text: string) => shell.stdout.write(text);
  tell(opening(TEXT, prompt, shell.stdout));
  const runs: Run[] = [];
  for (const workers of [1, 2]) {
    const run = await ask(prompt, workers, flags, context);
    runs.push(run);
    tell(`\n${title(run, shell.stdout)}\n${runReport(run, shell.stdout)}`);
  }
  const [single, chain] = runs as [Run, Run];
  tell(closing(single, chain, TIMES, shell.stdout));
  if (flags.json) shell.stdout.write(`${JSON.stringify(document(runs))}\n`);
}

/** Asks a few times. @returns the run whose first token came in the middle of them */
async function ask(prompt: string, workers: number, flags: Flags, context: RunContext): Promise<Run> {
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  const { cacheDir } = flags;
  const options = engineOptions({
    model: MODEL,
    workers,
    threads,
    ...(cacheDir !== undefined && { cacheDir }),
  });
  // 's' plans for the measured speed of the workers, and uses all of them even where one alone would be faster.
  const chain = { partition: workers === 1 ? 'e' : 's' } as const;
  return withEngine({ ...options, calibrate: workers > 1 }, context, async (engine) => {
    const runs: Run[] = [];
    for (let time = 0; time < TIMES; time++) {
      const request = { prompt, maxTokens: MAX_TOKENS, ...chain };
      runs.push(await runRequest(engine, request, context, () => undefined));
    }
    runs.forEach(check);
    return middleOf(runs, ({ result }) => result.ttftMs);
  });
}

/** @throws INTERNAL where an answer is wrong: then the chain is broken, and its figures mean nothing. */
function check(run: Run): void {
  if (isRight(run)) return;
  const { text, workers } = run.result;
  const message = `${chainWords(workers, run.threads)} answered "${text}", expected "${ANSWER}"; please report this`;
  throw new KvrError('INTERNAL', message);
}

function isRight({ result }: Run): boolean {
  return result.text === ANSWER;
}

function document(runs: readonly Run[]): unknown {
  return {
    expected: ANSWER,
    isSame: new Set(runs.map(({ result }) => result.tokenIds.join())).size === 1,
    isRight: runs.every(isRight),
    runs: runs.map(({ result, threads }) => ({ ...result, threads, model: MODEL })),
  };
}
