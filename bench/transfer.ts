/**
 * How fast a model gets from an engine to a machine that joins without it, against the speed of the link itself: the two ends of
 * src/cluster/transfer inside one process, over loopback TLS. No model is run; its files are random bytes.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineDoor } from '../src/cluster/door/engine-door.js';
import { fetchModel } from '../src/cluster/transfer/fetch-model.js';
import { ModelDesk } from '../src/cluster/transfer/model-desk.js';
import { medianRange } from '../src/core/statistics.js';
import type { Address } from '../src/link/address.js';
import { newClusterKey, parseClusterKey } from '../src/link/security/cluster-key.js';
import { identityFrom } from '../src/link/security/identity.js';
import { tlsTransport } from '../src/link/tls-transport.js';
import type { Transport } from '../src/link/transport.js';
import { publishFolder } from '../src/model/cache/index.js';
import { compiledKey } from '../src/model/compile.js';
import { kernelKey } from '../src/runtime/sessions/kernels.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { countFlag, repeatsFlag } from './runner/flags.js';
import { columnsOf, tableOf } from './runner/table.js';
import { speedOf } from './tls.js';

type Flags = { readonly megabytes: number; readonly files: number; readonly repeats: number };
type Row = { readonly what: string; readonly megabytesPerS: number; readonly share: number };

const HERE: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const MODEL = { name: 'random', digest: '0'.repeat(64), dtype: 'f32', chunkTokens: 512 } as const;
const KEY = compiledKey({ ...MODEL, kernelKey: kernelKey() });
const BYTES_PER_MB = 1e6;

export const transfer: Benchmark<Flags> = {
  name: 'transfer',
  summary: 'speed of a model on its way to a worker that joins without it, against its link',
  details: `Both ends run on one thread of this process, as in the benchmark "tls", whose measurement of the link stands beside it: sending, receiving,
digests and writing all share one core here, and have one each between two machines. "on the way" ends with the last byte in its file and compared
with its digest; "until it can be used" with the model published in the cache: read once more, and flushed to the disk.`,
  flags: () => [
    countFlag('--megabytes <MB>', 'size of the model', 300),
    countFlag('--files <N>', 'that it consists of', 24),
    repeatsFlag(3),
  ],
  run: runTransfer,
};

async function runTransfer({ megabytes, files, repeats }: Flags, { note }: BenchContext): Promise<Report> {
  const key = parseClusterKey(newClusterKey(), 'the benchmark');
  const near = tlsTransport(identityFrom(key));
  const far = tlsTransport(identityFrom(key));
  const folder = await mkdtemp(join(tmpdir(), 'kvr-transfer-'));
  try {
    const compiled = await makeModel(join(folder, 'server'), megabytes, files);
    const own: number[] = [];
    const way: number[] = [];
    const whole: number[] = [];
    // In turn, so that whatever else the machine does meets all alike.
    for (let round = 0; round < repeats; round++) {
      own.push(await speedOf(near, far, megabytes));
      const { wayMs, wholeMs } = await fetchOnce(near, far, compiled, join(folder, `cache-${round}`));
      way.push((1000 * megabytes) / wayMs);
      whole.push((1000 * megabytes) / wholeMs);
      note(
        `link ${own.at(-1)?.toFixed(0)}, on the way ${way.at(-1)?.toFixed(0)}, in all ${whole.at(-1)?.toFixed(0)} MB/s`,
      );
    }
    return report(medianRange(own).median, medianRange(way).median, medianRange(whole).median, megabytes);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function makeModel(cacheFolder: string, megabytes: number, files: number): Promise<string> {
  const bytes = Math.floor((megabytes * BYTES_PER_MB) / files);
  const build = async (folder: string): Promise<void> => {
    for (let file = 0; file < files; file++)
      await writeFile(join(folder, `block-${file}.bin`), randomBytes(bytes));
  };
  return publishFolder({ cacheFolder, key: KEY, build });
}

async function fetchOnce(
  near: Transport,
  far: Transport,
  compiled: string,
  cache: string,
): Promise<{ wayMs: number; wholeMs: number }> {
  const files = { open: async () => ({ folder: compiled, isSound: async () => true }) };
  const desk = new ModelDesk({ ...MODEL, checkpointFiles: undefined }, files, () => undefined);
  const door = await EngineDoor.open({
    ...{ address: HERE, transportOf: () => far, tell: () => undefined },
    onCaller: ({ message, host, handed }) => {
      if (message.type === 'fetch') desk.serve({ message, host, open: handed.handOver });
    },
  });
  const startMs = performance.now();
  let wayMs = 0;
  try {
    await fetchModel({
      ...{ address: door.address, transport: near, cacheFolder: cache, kernelKey: kernelKey() },
      ...{ mayFetch: true, checkOffer: () => undefined, signal: new AbortController().signal },
      ...{ onProgress: () => (wayMs = performance.now() - startMs), tell: () => undefined },
    });
    return { wayMs, wholeMs: performance.now() - startMs };
  } finally {
    desk.close();
    door.close();
    await rm(cache, { recursive: true, force: true });
  }
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('', ({ what }) => what),
  figure('MB/s', ({ megabytesPerS }) => megabytesPerS),
  words('of the link', ({ share }) => `${(100 * share).toFixed(0)} %`),
];

function report(own: number, way: number, whole: number, megabytes: number): Report {
  const rowOf = (what: string, megabytesPerS: number): Row => ({
    what,
    megabytesPerS,
    share: megabytesPerS / own,
  });
  const rows = [rowOf('the link', own), rowOf('on the way', way), rowOf('until it can be used', whole)];
  const title = `A model of ${megabytes} MB over loopback TLS, both ends on one thread`;
  return { tables: [tableOf({ name: 'transfer', title, label: 'measured' }, COLUMNS, rows)], missed: [] };
}
