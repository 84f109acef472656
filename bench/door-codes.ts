/**
 * Asks the `quote` model for door codes in made-up documents and counts exact answers.
 */
import { choiceFlag } from '../src/cli/flags/index.js';
import { KvrError } from '../src/core/errors.js';
import { type Dtype, DTYPES } from '../src/core/shape.js';
import { type MedianRange, medianRange } from '../src/core/statistics.js';
import { Engine } from '../src/index.js';
import { doorCodeDocument, type DoorCodeQuestion } from '../test/reference/door-codes.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { contextFlag, countFlag, seedFlag, threadsFlag, workersFlag } from './runner/flags.js';
import { columnsOf, percentWords, tableOf } from './runner/table.js';

type Flags = {
  readonly questions: number;
  readonly context: number;
  readonly workers: number;
  readonly threads: number;
  readonly dtype: Dtype;
  readonly seed: number;
};
type Row = Flags & { readonly right: number; readonly share: number; readonly ttftMs: MedianRange };

/** Facts of one document; every one is asked for, in a prompt of its own. */
const FACTS = 25;
const LEAST_SHARE = 0.99;

export const doorCodes: Benchmark<Flags> = {
  name: 'door-codes',
  summary: 'how many questions about long texts the quote model answers exactly',
  details: `Fewer than 99 % exact answers are a goal missed.`,
  flags: () => [
    countFlag('--questions <N>', 'questions, 25 to a document', 500),
    contextFlag(4096),
    workersFlag(3),
    threadsFlag(1),
    choiceFlag('--dtype <TYPE>', 'element type of the weights', DTYPES).default('f32'),
    seedFlag(),
  ],
  run: runDoorCodes,
};

async function runDoorCodes(flags: Flags, { note }: BenchContext): Promise<Report> {
  const { workers, threads, dtype, questions } = flags;
  const engine = await Engine.load({ model: 'quote', workers, dtype, threads });
  const ttfts: number[] = [];
  let right = 0;
  try {
    for (const { prompt, answer } of questionsOf(flags)) {
      const result = await engine.complete({ prompt, maxTokens: answer.length });
      checkLength(result.promptTokens, flags);
      ttfts.push(result.ttftMs);
      if (result.text === answer) right++;
      if (ttfts.length % FACTS === 0) note(`${right} of ${ttfts.length} right`);
    }
  } finally {
    await engine.close();
  }
  return report({ ...flags, right, share: right / questions, ttftMs: medianRange(ttfts) });
}

/** Documents one after the other, each with questions of its own. */
function* questionsOf({ questions, context, seed }: Flags): Generator<DoorCodeQuestion> {
  for (let asked = 0, document = 1; asked < questions; document++) {
    const { questions: all } = doorCodeDocument({ tokens: context, facts: FACTS, seed: seed + document });
    yield* all.slice(0, questions - asked);
    asked += all.length;
  }
}

function checkLength(promptTokens: number, { context }: Flags): void {
  if (promptTokens === context) return;
  throw new KvrError('INTERNAL', `a prompt has ${promptTokens} tokens instead of ${context}`);
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('dtype', ({ dtype }) => dtype),
  words('workers × threads', ({ workers, threads }) => `${workers} × ${threads}`),
  figure('context', ({ context }) => context),
  figure('right', ({ right }) => right),
  figure('questions', ({ questions }) => questions),
  figure('TTFT ms, median', ({ ttftMs }) => ttftMs.median),
];

function report(row: Row): Report {
  const title = 'Door codes asked of the model quote';
  const missed = `${percentWords(row.share)} exact answers, at least ${percentWords(LEAST_SHARE)} are asked for`;
  return {
    tables: [tableOf({ name: 'doorCodes', title, label: 'measured' }, COLUMNS, [row])],
    missed: row.share < LEAST_SHARE ? [missed] : [],
  };
}
