/**
 * `kvr demo`: the first command of a new user. Asks the model that ships with the package about the text that ships
 * with it, over one worker and over two, and holds both answers to the right one.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
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
import { cut, forTerminal, wrap } from '../terminal/format.js';
import { paintFor } from '../terminal/paint.js';
import { chainWords, comparisonWords, type Run, runReport } from '../run/report.js';
import type { Output, Shell } from '../terminal/shell.js';

type Flags = Pick<ModelFlags, 'cacheDir'> & OutputFlags;

const MODEL = 'quote';
const TEXT = fileURLToPath(new URL('../../../examples/harbour-log.txt', import.meta.url));
/** What examples/README.md says the text answers. */
const ANSWER = '4821.';
/** A byte is a token. */
const MAX_TOKENS = ANSWER.length;
/** One time says little on a machine that does other things too. */
const TIMES = 3;

const EXPLANATION = [
  'The prompt is cut into one slice a worker. Each reads its own slice at once, none waits for a turn.',
  'Layer by layer a worker hands the keys and values of its slice to the next, and computes on while they travel.',
  'The code stands in the first slice, the question in the last: only what was handed on can have answered it.',
];

export const demo: Command<Flags> = {
  name: 'demo',
  summary: 'see a chain of workers answer a question about a long text; needs no download',
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
  tell(opening(prompt, shell.stdout));
  const runs: Run[] = [];
  for (const workers of [1, 2]) {
    const run = await ask(prompt, workers, flags, context);
    runs.push(run);
    tell(`\n${title(run, shell.stdout)}\n${runReport(run, shell.stdout)}`);
  }
  const [single, chain] = runs as [Run, Run];
  tell(closing(single, chain, shell.stdout));
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
  // Slices for the measured speed of the workers, all of which take part however fast this machine is.
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

/** @throws INTERNAL where an answer is wrong: then the chain is, and nobody should believe its figures. */
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

function opening(prompt: string, { columns }: Output): string {
  const room = columns - 3;
  const end = prompt.trimEnd().replaceAll('\n', ' ').slice(-room);
  const lines = [
    wrap(`The text: ${shownPath()}, ${prompt.length} bytes. It ends with a question:`, columns),
    `  …${end}`,
  ];
  return `${lines.join('\n')}\n`;
}

function title(run: Run, { columns, hasColours }: Output): string {
  const { workers, text } = run.result;
  const words = cut(`${chainWords(workers, run.threads)} answered: ${forTerminal(text)}`, columns);
  return paintFor(hasColours)('bold', words);
}

function closing(single: Run, chain: Run, { columns }: Output): string {
  const lines = [
    '',
    `All answers are the same, and right. Of ${TIMES} runs each, the one in the middle:`,
    comparisonWords(chain, single),
    '',
    'What happened:',
    ...EXPLANATION,
    '',
    'Next:',
  ].map((line) => wrap(line, columns));
  const examples = [
    '  kvr generate --model quote --prompt-file YOUR-TEXT.txt --workers 2',
    '  kvr generate --model YOUR-CHECKPOINT --workers 2 --compare "Your prompt"',
    '  kvr inspect --model YOUR-CHECKPOINT',
    ...(isRunByNpm() ? ['Once before them, in this folder: npm link, which puts kvr on the path.'] : []),
  ];
  return `${[...lines, ...examples].join('\n')}\n`;
}

function shownPath(): string {
  const path = relative(process.cwd(), TEXT);
  return path.startsWith('..') ? TEXT : path;
}

/** As "npm run demo": then the command may not be on the path. */
function isRunByNpm(): boolean {
  return process.env['npm_lifecycle_event'] === 'demo';
}
