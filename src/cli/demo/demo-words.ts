/**
 * What `kvr demo` says around the pictures: the question before, the explanation after.
 */
import { relative } from 'node:path';
import { chainWords, comparisonWords, type Run } from '../run/report.js';
import { cut, forTerminal, wrap } from '../terminal/format.js';
import { paintFor } from '../terminal/paint.js';
import type { Output } from '../terminal/shell.js';

const EXPLANATION = [
  'The prompt is cut into one slice for each worker. All of them read their slices at the same time.',
  'Layer by layer, a worker sends the keys and values of its slice to the next one, and goes on computing meanwhile.',
  'The code is in the first slice and the question in the last: only keys and values that were sent on can have answered it.',
];

/** @param path of the text */
export function opening(path: string, prompt: string, { columns }: Output): string {
  const room = columns - 3;
  const end = prompt.trimEnd().replaceAll('\n', ' ').slice(-room);
  const lines = [
    wrap(`The text: ${shownPath(path)}, ${prompt.length} bytes. It ends with a question:`, columns),
    `  …${end}`,
  ];
  return `${lines.join('\n')}\n`;
}

export function title(run: Run, { columns, hasColours }: Output): string {
  const { workers, text } = run.result;
  const words = cut(`${chainWords(workers, run.threads)} answered: ${forTerminal(text)}`, columns);
  return paintFor(hasColours)('bold', words);
}

/** @param times runs of each, of which the one in the middle is told */
export function closing(single: Run, chain: Run, times: number, { columns }: Output): string {
  const lines = [
    '',
    `All answers are the same, and right. Of ${times} runs each, the one in the middle:`,
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
    ...(isRunByNpm() ? ['Run "npm link" in this folder once before: it puts kvr on the path.'] : []),
  ];
  return `${[...lines, ...examples].join('\n')}\n`;
}

function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** As "npm run demo": then the command may not be on the path. */
function isRunByNpm(): boolean {
  return process.env['npm_lifecycle_event'] === 'demo';
}
