/**
 * The second turn of a long chat: with the kept rows of the first, and without.
 */
import type { GenerationResult } from '../../src/index.js';
import { columnsOf, type Table, tableOf } from '../runner/table.js';
import { type Flags, loadEngine, promptsFor } from './flags.js';

type Row = {
  readonly turn: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly ttftMs: number;
  readonly predictedTtftMs: number | null;
  readonly tokenIds: readonly number[];
};

const PREFIX_CACHE_BYTES = 2 ** 31;
/** Of the first turn's answer, of the second turn's question and its answer. */
const TURN_TOKENS = { firstAnswer: 32, question: 64, secondAnswer: 8 } as const;

export async function secondTurn(flags: Flags): Promise<Table> {
  const engine = await loadEngine(flags, PREFIX_CACHE_BYTES);
  try {
    const prompts = promptsFor(flags, engine);
    const { firstAnswer, question, secondAnswer: maxTokens } = TURN_TOKENS;
    const firstIds = prompts.ids(Math.max(1, flags.context - firstAnswer - question));
    const first = await engine.complete({ promptIds: firstIds, maxTokens: firstAnswer });
    const promptIds = [...firstIds, ...first.tokenIds, ...prompts.ids(question)];
    const kept = await engine.complete({ promptIds, maxTokens });
    const fresh = await engine.complete({ promptIds, maxTokens, prefixCache: false });
    const same = kept.tokenIds.join() === fresh.tokenIds.join() ? 'the same answer' : 'ANOTHER ANSWER';
    const rows = [
      rowOf('first', first),
      rowOf('second, with kept rows', kept),
      rowOf('second, without', fresh),
    ];
    const title = `Two turns of a chat; with and without kept rows the second gets ${same}`;
    return tableOf({ name: 'chat', title, label: 'measured' }, COLUMNS, rows);
  } finally {
    await engine.close();
  }
}

function rowOf(turn: string, result: GenerationResult): Row {
  const { promptTokens, cachedTokens, ttftMs, predictedTtftMs, tokenIds } = result;
  return { turn, promptTokens, cachedTokens, ttftMs, predictedTtftMs, tokenIds };
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('turn', ({ turn }) => turn),
  figure('prompt', ({ promptTokens }) => promptTokens),
  figure('of it kept', ({ cachedTokens }) => cachedTokens),
  figure('TTFT ms', ({ ttftMs }) => ttftMs),
  figure('predicted', ({ predictedTtftMs }) => predictedTtftMs),
];
