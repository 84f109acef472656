/**
 * Many requests at once: clients with requests of mixed lengths against one at a time, a running stream while a long prompt is
 * read, a cancel in mid-prefill, and the second turn of a long chat.
 */
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import type { Table } from '../runner/table.js';
import { cancelInPrefill } from './cancel-in-prefill.js';
import { concurrencyFlags, type Flags, loadEngine, promptsFor } from './flags.js';
import { manyRequests } from './many-requests.js';
import { secondTurn } from './second-turn.js';
import { streamBesidePrompt } from './stream-beside-prompt.js';

const WARM_UP = { promptTokens: 600, maxTokens: 4 };

export const concurrency: Benchmark<Flags> = {
  name: 'concurrency',
  summary: 'many requests at once, a stream beside a long prompt, cancels, a second turn',
  details: `many: requests one at a time, then --clients at once. stream: gaps between tokens while a prompt of --context is read. cancel: from
a cancel until each rank is idle. chat: the second turn with the rows of the first kept, and without.`,
  flags: concurrencyFlags,
  run: runConcurrency,
};

async function runConcurrency(flags: Flags, { note }: BenchContext): Promise<Report> {
  const has = (part: Flags['parts'][number]): boolean => flags.parts.includes(part);
  const tables: Table[] = [];
  const engine = await loadEngine(flags);
  try {
    const prompts = promptsFor(flags, engine);
    const { promptTokens, maxTokens } = WARM_UP;
    const mostTokens = engine.model.shape.contextTokens - maxTokens;
    await engine.complete({ promptIds: prompts.ids(Math.min(promptTokens, mostTokens)), maxTokens });
    for (const [part, run] of [
      ['many', manyRequests],
      ['stream', streamBesidePrompt],
      ['cancel', cancelInPrefill],
    ] as const) {
      if (!has(part)) continue;
      note(part);
      tables.push(await run(engine, flags, prompts));
    }
  } finally {
    await engine.close();
  }
  if (has('chat')) tables.push(await secondTurn(flags));
  return { tables };
}
