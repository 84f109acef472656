/**
 * Values of `kvr bench`'s flags out of the text that was typed. Strict, as terminal/numbers.ts.
 */
import { z } from 'zod';
import { MAX_LOCAL_WORKERS } from '../../cluster/worker-source.js';
import { KvrError } from '../../core/errors.js';
import { MAX_RANKS } from '../../core/partition.js';
import { parseDuration, parseRate } from '../../core/quantities.js';
import {
  BENCH_STRATEGIES,
  type BenchStrategyName,
  type EmulatedCluster,
  inTableOrder,
} from '../../evaluation/bench/index.js';
import { parseAddress } from '../../link/address.js';
import { KV_FRAME_BYTES } from '../../link/frame.js';
import { parseList } from '../terminal/lists.js';
import { parseNumber, shown } from '../terminal/numbers.js';

const workersSchema = z.number().int().min(1).max(MAX_LOCAL_WORKERS);
const ranksSchema = z.number().int().min(1).max(MAX_RANKS);
const CLUSTER_HELP = 'give workers=N, link=SPEED and latency=TIME, as in workers=8,link=10Gbit,latency=50us';

/** @throws BAD_INPUT */
export function parseStrategies(text: string): BenchStrategyName[] {
  const given = parseList('--strategies', text, (flag, name) => {
    const found = BENCH_STRATEGIES.find((each) => each === name);
    if (found !== undefined) return found;
    throw bad(`${flag} ${shown(name)} is unknown; give some of ${BENCH_STRATEGIES.join(',')}`);
  });
  return inTableOrder(given);
}

/** Numbers, or addresses where there is a colon. @throws BAD_INPUT */
export function parseWorkers(text: string): number[] | string[] {
  if (!text.includes(':'))
    return parseList('--workers', text, (flag, each) => parseNumber(flag, each, workersSchema));
  return parseList('--workers', text, (_flag, each) => {
    parseAddress(each);
    return each;
  });
}

/** @throws BAD_INPUT */
export function parseCluster(text: string): EmulatedCluster {
  const given = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name, value] = /^(workers|link|latency)=(.*)$/.exec(part) ?? [];
    if (name === undefined || value === undefined)
      throw bad(`--emulate ${shown(part)} is not understood; ${CLUSTER_HELP}`);
    if (given.has(name)) throw bad(`--emulate gives ${name} twice; give it once`);
    given.set(name, value);
  }
  const read = (name: string): string => {
    const value = given.get(name);
    if (value !== undefined) return value;
    throw bad(`--emulate ${shown(text)} lacks ${name}; ${CLUSTER_HELP}`);
  };
  const workers = parseNumber('--emulate workers', read('workers'), ranksSchema);
  const bytesPerS = parseRate('--emulate link', read('link'));
  const latencyMs = parseDuration('--emulate latency', read('latency'));
  return { workers, link: { bytesPerS, latencyMs, frameBytes: KV_FRAME_BYTES } };
}

function bad(message: string): KvrError {
  return new KvrError('BAD_INPUT', message);
}
