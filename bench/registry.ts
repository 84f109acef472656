/**
 * All benchmarks, in the order of the list. A new one is a file or folder beside this, and a line here.
 */
import { cacheDamage } from './cache-damage.js';
import { compare } from './compare/compare.js';
import { concurrency } from './concurrency/concurrency.js';
import { disconnect } from './disconnect.js';
import { doorCodes } from './door-codes.js';
import { emulated } from './emulated/emulated.js';
import { firstToken } from './first-token.js';
import { limit } from './limit.js';
import { links } from './links/links.js';
import { peers } from './peers/peers.js';
import { planning } from './planning.js';
import { prediction } from './prediction.js';
import type { AnyBenchmark } from './runner/program.js';
import { startUp } from './start-up.js';
import { unequal } from './unequal.js';
import { workerMemoryBench } from './worker-memory.js';

export const BENCHMARKS: readonly AnyBenchmark[] = [
  // How fast prompts are read.
  firstToken,
  compare,
  peers,
  links,
  emulated,
  limit,
  // What the planner promises.
  planning,
  prediction,
  unequal,
  // Many users, and users that leave.
  concurrency,
  disconnect,
  // What it costs, and whether answers are right.
  startUp,
  workerMemoryBench,
  doorCodes,
  cacheDamage,
];
