/**
 * What TLS takes of a link: frames of KV size from one end to the other inside one process, plain and secured, and what share of
 * the first token's time that would be. The share is calculated from bytes; nothing here runs a model.
 */
import { EventEmitter, once } from 'node:events';
import { numberFlag } from '../src/cli/flags/index.js';
import { z } from 'zod';
import { medianRange } from '../src/core/statistics.js';
import type { Address } from '../src/link/address.js';
import { KV_FRAME_BYTES } from '../src/link/frame.js';
import { plainTransports } from '../src/link/open-transport.js';
import { newClusterKey, parseClusterKey } from '../src/link/security/cluster-key.js';
import { identityFrom } from '../src/link/security/identity.js';
import { tlsTransport } from '../src/link/tls-transport.js';
import type { Transport } from '../src/link/transport.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { countFlag, repeatsFlag } from './runner/flags.js';
import { columnsOf, tableOf } from './runner/table.js';

type Flags = {
  readonly megabytes: number;
  readonly repeats: number;
  readonly rowsMb: number;
  readonly ttftMs: number;
};
type Row = {
  readonly link: string;
  readonly megabytesPerS: number;
  readonly rowsMs: number;
  readonly share: number;
};

const HERE: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
/** Of TTFT, at 10 Gbit/s and 2,048 tokens. */
const MOST_SHARE = 0.05;
/** Enough that a sender never waits for its last frame. */
const MOST_UNSENT_BYTES = 8 << 20;
const positive = z.number().min(0.001).max(1e6);

export const tls: Benchmark<Flags> = {
  name: 'tls',
  summary: 'speed of a link with and without TLS, and its share of the first token',
  details: `Both ends run on one thread of this process, so that a figure is the work of sender and receiver together; between two machines each
does about half. The share is calculated: the bytes between two workers at that speed, against a measured TTFT (docs/shaped-links.md: 17 MB and
1,792 ms for 2,048 tokens, 8 layers of TinyLlama's shape, w8a8, 10 Gbit/s), as if no compute hid any of it. What TLS adds over plain TCP
may be 5 % at most.`,
  flags: () => [
    countFlag('--megabytes <MB>', 'sent in each round', 256),
    repeatsFlag(5),
    numberFlag('--rows-mb <MB>', 'keys and values between two workers', positive).default(17),
    numberFlag('--ttft-ms <MS>', 'time to the first token that they are set against', positive).default(1792),
  ],
  run: runTls,
};

async function runTls(
  { megabytes, repeats, rowsMb, ttftMs }: Flags,
  { note }: BenchContext,
): Promise<Report> {
  const identity = (): Transport => tlsTransport(identityFrom(key));
  const key = parseClusterKey(newClusterKey(), 'the benchmark');
  const kinds: [string, Transport, Transport][] = [
    ['TCP with checksums', plainTransports(HERE), plainTransports(HERE)],
    ['TLS 1.3 under a cluster key', identity(), identity()],
  ];
  const rows: Row[] = [];
  for (const [link, near, far] of kinds) {
    const speeds: number[] = [];
    for (let round = 0; round < repeats; round++) speeds.push(await speedOf(near, far, megabytes));
    const megabytesPerS = medianRange(speeds).median;
    const rowsMs = (1000 * rowsMb) / megabytesPerS;
    rows.push({ link, megabytesPerS, rowsMs, share: rowsMs / ttftMs });
    note(`${link}: ${megabytesPerS.toFixed(0)} MB/s`);
  }
  return report(rows);
}

/** MB/s from the first frame that is sent to the last that is received. */
export async function speedOf(near: Transport, far: Transport, megabytes: number): Promise<number> {
  const frames = Math.ceil((megabytes * 1e6) / KV_FRAME_BYTES);
  const progress = new EventEmitter();
  const arrived = once(progress, 'arrived');
  let left = frames;
  const listener = await far.listen(HERE, (open) => {
    open({ onFrame: () => --left === 0 && progress.emit('arrived'), onClose: () => undefined });
  });
  const link = (await near.dial(listener.address))({ onFrame: () => undefined, onClose: () => undefined });
  const payload = new Uint8Array(KV_FRAME_BYTES).fill(7);
  const startMs = performance.now();
  for (let frame = 0; frame < frames; frame++)
    await new Promise<void>((next) => {
      link.send({ kind: 'kv', request: 1, layer: 0, start: 0, rows: 1, payload }, next);
      if (link.bufferedBytes < MOST_UNSENT_BYTES) next();
    });
  await arrived;
  const ms = performance.now() - startMs;
  link.close();
  listener.close();
  return (frames * KV_FRAME_BYTES) / 1e3 / ms;
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('link', ({ link }) => link),
  figure('MB/s', ({ megabytesPerS }) => megabytesPerS),
  figure('rows ms (calculated)', ({ rowsMs }) => rowsMs),
  words('of TTFT (calculated)', ({ share }) => `${(100 * share).toFixed(2)} %`),
];

function report(rows: readonly Row[]): Report {
  const [plain, secured] = rows;
  const added = (secured?.share ?? 0) - (plain?.share ?? 0);
  const title = 'Speed of a link, both ends on one thread';
  const missed = `TLS adds ${(100 * added).toFixed(1)} % of TTFT, limit ${100 * MOST_SHARE} %`;
  return {
    tables: [tableOf({ name: 'tls', title, label: 'measured' }, COLUMNS, rows)],
    missed: added > MOST_SHARE ? [missed] : [],
  };
}
