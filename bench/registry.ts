/**
 * All benchmarks, in the order of the list. A new one is a file or folder beside this, and a line here.
 */
import { cacheDamage } from './cache-damage.js';
import { chaos } from './chaos/chaos.js';
import { compare } from './compare/compare.js';
import { concurrency } from './concurrency/concurrency.js';
import { disconnect } from './disconnect.js';
import { doorCodes } from './door-codes.js';
import { emulated } from './emulated/emulated.js';
import { experts } from './experts.js';
import { families } from './families.js';
import { firstToken } from './first-token.js';
import { frameDamage } from './frame-damage/frame-damage.js';
import { hostileRequests } from './hostile/hostile.js';
import { limit } from './limit.js';
import { links } from './links/links.js';
import { leavers } from './memory/leavers.js';
import { mixedLoad } from './memory/mixed-load.js';
import { rounds } from './memory/rounds.js';
import { peers } from './peers/peers.js';
import { planning } from './planning.js';
import { prediction } from './prediction.js';
import { prefixDiskKills } from './prefix-disk/prefix-disk-kills.js';
import type { AnyBenchmark } from './runner/program.js';
import { schemas } from './schemas.js';
import { startUp } from './start-up.js';
import { strangers } from './strangers/strangers.js';
import { tls } from './tls.js';
import { transfer } from './transfer.js';
import { unequal } from './unequal.js';
import { workerMemoryBench } from './worker-memory.js';

export const BENCHMARKS: readonly AnyBenchmark[] = [
  // How fast prompts are read.
  firstToken,
  experts,
  compare,
  peers,
  links,
  tls,
  transfer,
  emulated,
  limit,
  // What the planner promises.
  planning,
  prediction,
  unequal,
  // Many users, and users that leave.
  concurrency,
  disconnect,
  leavers,
  rounds,
  mixedLoad,
  // Workers and networks that fail, and strangers that come.
  chaos,
  frameDamage,
  strangers,
  hostileRequests,
  // What it costs, and whether answers are right.
  startUp,
  workerMemoryBench,
  families,
  doorCodes,
  cacheDamage,
  schemas,
  prefixDiskKills,
];
