/**
 * `kvr cluster`: lists the machines of a cluster: whether each can be used, what it runs, and how fast its link to the next is.
 */
import { Option } from 'commander';
import { type SurveyedWorker, surveyWorkers } from '../../cluster/survey.js';
import { KvrError } from '../../core/errors.js';
import {
  linkSecurity,
  type OutputFlags,
  outputFlags,
  parseWorkers,
  securityFlags,
  type SecurityFlags,
} from '../flags/index.js';
import type { Command } from '../run/command.js';
import { formatBytes, formatMs, formatPlural, oneLine } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';

type Flags = OutputFlags & SecurityFlags & { readonly workers: number | string[] };

export const cluster: Command<Flags> = {
  flags: () => [
    new Option('-w, --workers <ADDRESSES>', 'running workers as HOST:PORT,HOST:PORT in chain order')
      .argParser(parseWorkers)
      .makeOptionMandatory(),
    ...securityFlags(),
    ...outputFlags(),
  ],
  epilogue: `Prints a line for each worker: its model, element type, threads, memory for keys and values, and its link to the next one, measured; or
why it can not be used. With --json { "workers": [ { "address", "status", … } ] }. Without --json it ends with status 1 where a worker can not be used.

Example:
  kvr cluster --workers a:7001,b:7001 --cluster-key-file room.key`,
  run: runCluster,
};

async function runCluster(flags: Flags, _argument: string | undefined, shell: Shell): Promise<void> {
  const { workers } = flags;
  if (typeof workers === 'number')
    throw new KvrError('BAD_INPUT', '--workers must name running workers here; give HOST:PORT,HOST:PORT');
  const found = await surveyWorkers(workers, linkSecurity(flags), shell.signal);
  const text = flags.json ? JSON.stringify({ workers: found.map(documentOf) }) : found.map(lineOf).join('\n');
  shell.stdout.write(`${text}\n`);
  const faults = found.filter(({ fault }) => fault).length;
  // The document is the only one on standard output, and holds the faults.
  if (faults > 0 && !flags.json)
    throw new KvrError(
      'WORKER_FAILED',
      `${faults} of ${formatPlural(found.length, 'worker')} can not be used as they are`,
    );
}

function documentOf({ address, ready, toNext, fault }: SurveyedWorker): unknown {
  const { digest, dtype, threads, chunkTokens, kvBytesLimit } = ready ?? {};
  return {
    ...{ address, status: ready ? 'usable' : 'missing', digest, dtype, threads, chunkTokens },
    ...{ kvBytes: kvBytesLimit, toNext, fault: fault?.message },
  };
}

function lineOf({ address, ready, toNext, fault }: SurveyedWorker): string {
  const parts = [
    address,
    ready ? `model ${ready.digest.slice(0, 12)} ${ready.dtype}` : 'missing',
    ready && formatPlural(ready.threads, 'thread'),
    ready && `${formatBytes(ready.kvBytesLimit)} for keys and values`,
    toNext && `to the next ${formatBytes(toNext.bytesPerS)}/s, ${formatMs(toNext.latencyMs)}`,
    fault && oneLine(fault.message),
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}
