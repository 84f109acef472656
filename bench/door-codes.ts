/**
 * Asks the `quote` model for door codes in made-up documents and counts exact answers:
 *   QUESTIONS=500 TOKENS=4096 WORKERS=3 npx vitest run --config bench/vitest.config.ts
 */
import { Engine } from 'kv-runahead';
import { expect, test } from 'vitest';
import { median } from '../src/core/statistics.js';
import { doorCodeDocument } from '../test/reference/door-codes.js';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const QUESTIONS = number('QUESTIONS', 500);
const TOKENS = number('TOKENS', 4096);
const WORKERS = number('WORKERS', 3);
const DTYPE = (process.env['DTYPE'] ?? 'f32') as 'f32';
/** Facts of one document; every one is asked for, in a prompt of its own. */
const FACTS = 25;

test(
  `quote answers at least 99 % of ${QUESTIONS} questions at ${TOKENS} tokens on ${WORKERS} workers (${DTYPE})`,
  { timeout: 3_600_000 },
  async () => {
    const engine = await Engine.load({ model: 'quote', workers: WORKERS, dtype: DTYPE, threads: 1 });
    const ttfts: number[] = [];
    let right = 0;
    for (let asked = 0, seed = 1; asked < QUESTIONS; seed++) {
      for (const { prompt, answer } of doorCodeDocument({ tokens: TOKENS, facts: FACTS, seed }).questions) {
        if (asked++ >= QUESTIONS) break;
        const result = await engine.complete({ prompt, maxTokens: answer.length });
        expect(result.promptTokens).toBe(TOKENS);
        ttfts.push(result.ttftMs);
        if (result.text === answer) right++;
      }
    }
    await engine.close();
    console.log(`${right} of ${QUESTIONS} right, median TTFT ${median(ttfts).toFixed(0)} ms (measured)`);
    expect(right / QUESTIONS).toBeGreaterThanOrEqual(0.99);
  },
);
