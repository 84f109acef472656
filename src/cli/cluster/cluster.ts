/**
 * `kvr cluster`: lists the machines of a cluster: whether each can be used, what it runs, and how fast its link to the next is. Workers
 * that are named, or found in a room, are asked and measured; a server tells what it knows.
 */
import type { WorkerCard } from '../../cluster/room/worker-card.js';
import { readRoster } from '../../cluster/room/roster.js';
import { type SurveyedWorker, surveyWorkers } from '../../cluster/survey.js';
import type { MachineRecord } from '../../core/documents/machine-list.js';
import { KvrError } from '../../core/errors.js';
import { defined, linkSecurity, roomOf } from '../flags/index.js';
import type { Command } from '../run/command.js';
import { formatPlural } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';
import { machinesOfServer } from './asked-server.js';
import { checkFlags, type ClusterFlags, clusterFlags } from './cluster-flags.js';
import { machineLine } from './machine-line.js';

export const cluster: Command<ClusterFlags> = {
  flags: clusterFlags,
  epilogue: `Prints a line for each worker: whether it can be used, its machine, model, element type, threads, memory for keys and values, and its link to
the next one, measured; or why it can not be used. --workers and --cluster ask the workers themselves, and measure. --server asks a running
server, which also knows how many tokens a second each reads, and when it was lost last.

With --json { "workers": [ { "address", "status", … } ] }. Without --json it ends with status 1 where a worker can not be used.

Examples:
  kvr cluster --workers a:7001,b:7001 --cluster-key-file room.key
  kvr cluster --server http://127.0.0.1:8080
  kvr cluster --cluster nats://a:4222 --cluster-key-file room.key`,
  run: runCluster,
};

/** With what --json says of it. */
type Listed = { readonly machine: MachineRecord; readonly document: unknown };

async function runCluster(flags: ClusterFlags, _argument: string | undefined, shell: Shell): Promise<void> {
  checkFlags(flags);
  const listed = await list(flags, shell.signal);
  const lines = listed.map(({ machine }) => machineLine(machine));
  const text = flags.json
    ? JSON.stringify({ workers: listed.map(({ document }) => document) })
    : lines.join('\n');
  shell.stdout.write(`${text || 'nobody is there'}\n`);
  const faults = listed.filter(({ machine: { status } }) => status !== 'usable').length;
  // The document is the only one on standard output, and holds the faults.
  if (faults > 0 && !flags.json)
    throw new KvrError(
      'WORKER_FAILED',
      `${faults} of ${formatPlural(listed.length, 'worker')} can not be used as they are`,
    );
}

/** @throws LINK, BAD_INPUT, CANCELLED */
async function list(flags: ClusterFlags, signal: AbortSignal): Promise<readonly Listed[]> {
  const { workers = [], server, apiKey } = flags;
  if (server) {
    const { machines } = await machinesOfServer(server, apiKey ?? process.env['KVR_API_KEY'], signal);
    return machines.map((machine) => ({ machine, document: machine }));
  }
  const room = roomOf(flags);
  const cards = room ? await readRoster(room, signal) : [];
  const addresses = room ? cards.map(({ address }) => address) : (workers as string[]);
  const found = await surveyWorkers(addresses, linkSecurity(flags), signal);
  return found.map((each, place) => listedWorker(each, found.slice(place + 1), cards));
}

/** A worker that was asked, with the name that it has in its room. */
function listedWorker(
  worker: SurveyedWorker,
  later: readonly SurveyedWorker[],
  cards: readonly WorkerCard[],
): Listed {
  const { address, ready, toNext, fault } = worker;
  const nameOf = (at: string): string => cards.find((card) => card.address === at)?.name ?? at;
  const { digest, dtype, threads, chunkTokens, kvBytesLimit: kvBytes, machine } = ready ?? {};
  const next = later.find((each) => each.ready)?.address;
  const known = { digest, dtype, threads, kvBytes, ...machine, reason: fault?.message };
  const isLeaving = cards.some((card) => card.address === address && card.state === 'leaving');
  const status = ready ? (isLeaving ? 'leaving' : 'usable') : 'missing';
  const name = cards.length === 0 ? {} : { name: nameOf(address) };
  return {
    machine: {
      ...{ name: nameOf(address), address, status },
      ...defined(known),
      ...(toNext && next !== undefined && { toNext: { name: nameOf(next), ...toNext } }),
    },
    document: {
      ...{ address, ...name, status, digest, dtype, threads, chunkTokens, kvBytes, ...machine },
      ...{ toNext, fault: fault?.message },
    },
  };
}
