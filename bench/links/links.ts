/**
 * Real links, shaped: two workers, each in a network namespace of its own, over TCP on links of several speeds and latencies; every
 * strategy side by side in one interleaved `kvr bench` per link. Linux, as root.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KvrError } from '../../src/core/errors.js';
import type { Benchmark, BenchContext, Report } from '../runner/benchmark.js';
import { ChildPrograms } from '../runner/child-programs.js';
import { KVR } from '../runner/places.js';
import { type Flags, type Link, linksFlags } from './flags.js';
import { FAR, makeNetwork, NEAR, removeNetwork, shape } from './network.js';
import { type Cell, checkRow, type LinkRow, linkRows, linksTable, linkWords, NOISE_SHARE } from './report.js';

const RELAY = fileURLToPath(new URL('./relay.js', import.meta.url));
const WORKER_PORT = 7001;
const RELAY_PORT = 7002;
const MAX_DOCUMENT_BYTES = 1 << 28;

export const links: Benchmark<Flags> = {
  name: 'links',
  summary: 'all strategies on two workers over real links of several speeds',
  details: `Needs Linux, root and iproute2 (ip, tc). Two workers with one thread, each in a network namespace, joined by a TCP link with a token
bucket at both ends; a relay adds the latency. Workers and links are measured anew for each link, as for a user whose network has changed.
Goal: planned KVR is slower than no baseline by more than ${100 * NOISE_SHARE} %, what equal runs differ by.`,
  flags: linksFlags,
  run: runLinks,
};

async function runLinks(flags: Flags, { note }: BenchContext): Promise<Report> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new KvrError('BAD_INPUT', 'network namespaces need Linux and root; run it as root');
  const programs = new ChildPrograms();
  // Also where the process is interrupted.
  process.once('exit', removeNetwork);
  const rows: LinkRow[] = [];
  try {
    makeNetwork();
    await startWorker(programs, flags, NEAR.namespace, NEAR.host);
    await startWorker(programs, flags, FAR.namespace, '127.0.0.1');
    for (const link of flags.links) {
      note(linkWords(link));
      rows.push(...linkRows(link, await measure(programs, flags, link)));
    }
  } finally {
    await programs.close();
    process.off('exit', removeNetwork);
    removeNetwork();
  }
  return { tables: [linksTable(flags, rows)], missed: rows.flatMap(checkRow) };
}

/** One worker with one thread. */
async function startWorker(
  programs: ChildPrograms,
  flags: Flags,
  namespace: string,
  host: string,
): Promise<void> {
  const own = ['--listen', `${host}:${WORKER_PORT}`, '--threads', '1', '--insecure'];
  await startIn(programs, namespace, [KVR, 'worker', ...own, ...machineWords(flags)], 'kvr worker listens');
}

async function measure(programs: ChildPrograms, flags: Flags, { mbit, oneWayMs }: Link): Promise<Cell[]> {
  shape(mbit * 1e6);
  const words = [RELAY, FAR.host, RELAY_PORT, WORKER_PORT, oneWayMs].map(String);
  const relay = await startIn(programs, FAR.namespace, words, 'relay listens');
  const workers = ['--workers', `${NEAR.host}:${WORKER_PORT},${FAR.host}:${RELAY_PORT}`];
  const { context, strategies, repeats, seed } = flags;
  try {
    await kvr('plan', [...workers, '--fresh', '--context', String(context[0])], flags);
    const what = ['--context', context.join(), '--strategies', strategies.join()];
    const rounds = ['--repeats', String(repeats), '--seed', String(seed)];
    const document = await kvr('bench', [...workers, ...what, ...rounds], flags);
    return (JSON.parse(document) as { cells: Cell[] }).cells;
  } finally {
    await programs.stop(relay);
  }
}

/** The engine runs beside the near worker, as on a user's own machine. @returns its document */
async function kvr(command: string, words: readonly string[], flags: Flags): Promise<string> {
  const all = [process.execPath, KVR, command, ...machineWords(flags), ...words, '--json'];
  const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', NEAR.namespace, ...all], {
    maxBuffer: MAX_DOCUMENT_BYTES,
  });
  return stdout;
}

function machineWords({ model, dtype, cacheDir }: Flags): string[] {
  return ['--model', model, '--dtype', dtype, ...(cacheDir === undefined ? [] : ['--cache-dir', cacheDir])];
}

function startIn(
  programs: ChildPrograms,
  namespace: string,
  words: readonly string[],
  ready: string,
): Promise<ChildProcess> {
  return programs.start('ip', ['netns', 'exec', namespace, process.execPath, ...words], ready);
}
