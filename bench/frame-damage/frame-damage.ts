/**
 * Damage on the wire: a bit of a random frame is flipped between an engine and its workers, or between the workers, and the
 * request must give its right answer or an error.
 */
import { endWorkerProcess, type WorkerProcess } from '../../src/cluster/worker-process.js';
import { KvrError } from '../../src/core/errors.js';
import { seededRandom as randomOf } from '../../src/core/random.js';
import { evenPartition } from '../../src/core/partition.js';
import { requestSpecSchema } from '../../src/core/request.js';
import type { Cluster } from '../../src/cluster/cluster.js';
import { joinStaticCluster } from '../../src/cluster/static.js';
import { runChain } from '../../src/engine/chain/run-chain.js';
import { parseAddress } from '../../src/link/address.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { contextFlag, countFlag, modelFlag, seedFlag } from '../runner/flags.js';
import { startListeningWorker } from '../runner/listening-worker.js';
import { columnsOf, tableOf } from '../runner/table.js';
import { Damage, DamageProxy, type Region, REGIONS } from './damage-proxy.js';

type Flags = {
  readonly model: string;
  readonly context: number;
  readonly flips: number;
  readonly seed: number;
};
type Row = {
  readonly region: Region;
  flips: number;
  right: number;
  wrong: number;
  hung: number;
  errors: number;
};

const WORKERS = 2;
const SPEC = requestSpecSchema.parse({ strategy: 'kvr', maxTokens: 4, prefixCache: false });
/** A request takes a fraction of a second; one that waits for bytes which never come would take this. */
const HUNG_MS = 30_000;

export const frameDamage: Benchmark<Flags> = {
  name: 'frame-damage',
  summary: 'whether a flipped bit on a link between workers can change an answer',
  details: `One bit of one frame of each request: headers, metas and payloads in turn. A wrong answer, and a request that is
still waiting after ${HUNG_MS / 1000} s, are goals missed.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=2,vocab=300'),
    contextFlag(64),
    countFlag('--flips <N>', 'bits that are flipped, each in a request of its own', 1000),
    seedFlag(),
  ],
  run: runFrameDamage,
};

async function runFrameDamage(flags: Flags, context: BenchContext): Promise<Report> {
  const damage = new Damage();
  const workers: WorkerProcess[] = [];
  const proxies: DamageProxy[] = [];
  try {
    for (let at = 0; at < WORKERS; at++) {
      const worker = await startListeningWorker(flags.model, 'f32', `worker ${at}`);
      workers.push(worker);
      proxies.push(await DamageProxy.start(parseAddress(worker.address) as never, damage));
    }
    const addresses = proxies.map(({ address }) => address);
    return report(flags, await flipAll(flags, addresses, damage, context));
  } finally {
    for (const proxy of proxies) proxy.close();
    await Promise.all(workers.map((worker) => endWorkerProcess(worker)));
  }
}

async function flipAll(
  { context, flips, seed }: Flags,
  workers: readonly string[],
  damage: Damage,
  { note }: BenchContext,
): Promise<Row[]> {
  const random = randomOf(seed);
  const rows = REGIONS.map((region): Row => ({ region, flips: 0, right: 0, wrong: 0, hung: 0, errors: 0 }));
  const join = (): Promise<Cluster> =>
    joinStaticCluster({ kind: 'static', addresses: workers }, () => undefined);
  let cluster = await join();
  try {
    const ids = Int32Array.from({ length: context }, () => Math.floor(random() * 300));
    let id = 2 ** 33;
    const ask = async (): Promise<string> => {
      const settings = {
        spec: SPEC,
        workers: cluster.workers,
        ids,
        partition: evenPartition(context, WORKERS),
      };
      const answer: number[] = [];
      const signal = AbortSignal.timeout(HUNG_MS);
      for await (const event of runChain({ ...settings, id: id++, signal }))
        if (event.type === 'token') answer.push(event.id);
      return answer.join();
    };
    const right = await ask();
    damage.reset();
    await ask();
    const { frames } = damage;
    for (let done = 0; done < flips;) {
      damage.arm(Math.floor(random() * frames), REGIONS[done % REGIONS.length] as Region, random);
      const outcome = await ask().then(
        (ids) => (ids === right ? 'right' : 'wrong'),
        (error: unknown) => (error instanceof KvrError && error.code === 'CANCELLED' ? 'hung' : 'errors'),
      );
      const row = rows.find(({ region }) => region === damage.flipped);
      if (row) row[outcome]++;
      if (row) row.flips++;
      if (row && ++done % 100 === 0) note(`${done} of ${flips} bits`);
      damage.reset();
      // Where the answer came first, the damage may be found in what follows it.
      if (row || outcome !== 'right') {
        await cluster.close();
        cluster = await join();
      }
    }
    return rows;
  } finally {
    await cluster.close();
  }
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('bit in a', ({ region }) => region),
  figure('flips', ({ flips }) => flips),
  figure('errors', ({ errors }) => errors),
  figure('right answers', ({ right }) => right),
  figure('wrong answers', ({ wrong }) => wrong),
  figure('no end', ({ hung }) => hung),
];

function report({ model, context }: Flags, rows: readonly Row[]): Report {
  const title = `${model}, ${WORKERS} workers, ${context} tokens`;
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const [wrong, hung] = [sum((row) => row.wrong), sum((row) => row.hung)];
  return {
    tables: [tableOf({ name: 'frame-damage', title, label: 'measured' }, COLUMNS, rows)],
    notes: ['A right answer: the bit was in a frame that the answer did not need any more, such as a ping.'],
    missed: [
      ...(wrong > 0 ? [`${wrong} wrong answers`] : []),
      ...(hung > 0 ? [`${hung} requests did not end in ${HUNG_MS / 1000} s`] : []),
    ],
  };
}
