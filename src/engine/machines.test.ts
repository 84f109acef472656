import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../test/reference/shapes.js';
import type { ClusterMember } from '../cluster/cluster.js';
import type { ReadyWorker } from '../cluster/worker-handle.js';
import { machineListSchema } from '../core/documents/machine-list.js';
import { KvrError } from '../core/errors.js';
import type { CostSource } from './partition/cost-source.js';
import { machinesOf } from './machines.js';
import { WorkerCosts } from './partition/worker-costs.js';
import { costOfRows } from './partition/worker-cost.test-support.js';

const READY: ReadyWorker = {
  ...({
    type: 'ready',
    pid: 1,
    digest: 'ab12',
    dtype: 'w8a8',
    threads: 4,
    chunkTokens: 512,
    kvBytesLimit: 1e9,
  } as const),
  machine: { cpu: 'A processor', cores: 8, memoryBytes: 32e9 },
};
const ADDRESS = { kind: 'tcp', host: 'b', port: 7001 } as const;
const LINK = { latencyMs: 1, bytesPerS: 125e6, frameBytes: 1 << 20 };

test('each machine is told with what is known of it, usable or not, wherever its worker came from', () => {
  const reason = new KvrError('WORKER_HUNG', 'worker b sent nothing for 5000 ms');
  const members: ClusterMember[] = [
    { id: 'a', status: 'usable', ready: READY },
    { id: 'b', status: 'opening', reason, ready: READY, address: ADDRESS, lastFault: { atMs: 5, reason } },
    { id: 'c', status: 'usable', ready: READY },
    { id: 'd', status: 'preparing' },
  ];
  const workers = ['a', 'c'].map((id) => ({ handle: { id } })) as never;
  const model = { shape: TINY_LLAMA };
  const costs = {
    costs: new WorkerCosts(['a', 'c'], {
      workers: [costOfRows(0.1), costOfRows(0.1)],
      links: [LINK],
      kvDtype: 'f32',
    }),
    measuredLink: (from: string, to: string) => (from === 'a' && to === 'c' ? LINK : undefined),
  } as unknown as CostSource;

  const machines = machinesOf({ members, workers, costs, model });
  expect(machineListSchema.parse({ machines })).toEqual({ machines });
  const own = { cpu: 'A processor', cores: 8, memoryBytes: 32e9, dtype: 'w8a8', threads: 4, kvBytes: 1e9 };
  expect(machines).toMatchObject([
    { name: 'a', status: 'usable', ...own, toNext: { name: 'c', latencyMs: 1, bytesPerS: 125e6 } },
    {
      ...{ name: 'b', status: 'opening', reason: reason.message, address: 'b:7001', ...own },
      lastFault: { atMs: 5, message: reason.message },
    },
    { name: 'c', status: 'usable', ...own },
    { name: 'd', status: 'preparing' },
  ]);
  expect(machines[0]?.tokensPerSecond).toBeGreaterThan(0);
  expect([machines[1]?.tokensPerSecond, machines[2]?.toNext, machines[3]?.cpu]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
