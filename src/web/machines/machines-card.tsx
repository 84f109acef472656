/**
 * The machines of the cluster: what each is and can do, and whether it can be used.
 */
import type { MachineRecord } from '../../core/documents/machine-list.js';
import {
  formatBytes,
  formatClock,
  formatCount,
  formatMs,
  formatTokenRate,
  NO_FIGURE,
} from '../format/figures.js';
import { machines } from '../state/store.js';

export function MachinesCard() {
  const list = machines.value;
  const usable = list.filter(({ status }) => status === 'usable').length;
  return (
    <section class="card" id="machines" aria-labelledby="machines-title" tabIndex={-1}>
      <div class="card-head">
        <h2 id="machines-title">Machines</h2>
        {list.length > 0 && (
          <p class="subject">
            {usable} of {list.length} can be used, in chain order
          </p>
        )}
      </div>
      {list.length === 0 ? <p class="empty">No worker is there yet.</p> : <MachineTable list={list} />}
    </section>
  );
}

function MachineTable({ list }: { readonly list: readonly MachineRecord[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Machines">
      <table class="machines">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="words">
              State
            </th>
            <th scope="col" class="words">
              Machine
            </th>
            <th scope="col">Model</th>
            <th scope="col">
              Reads <span class="label predicted">predicted</span>
            </th>
            <th scope="col">
              To the next <span class="label measured">measured</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((machine) => (
            <Row key={machine.name} machine={machine} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ machine }: { readonly machine: MachineRecord }) {
  const { name, status, reason, lastFault, cpu, cores, memoryBytes = 0, toNext } = machine;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="words">
        <span class={`status ${status}`}>{status}</span>
        {reason !== undefined && <span class="aside under">{reason}</span>}
        {reason === undefined && lastFault && (
          <span class="aside under">
            lost last at {formatClock(lastFault.atMs)}: {lastFault.message}
          </span>
        )}
      </td>
      <td class="words">
        {cpu ?? NO_FIGURE}
        {cores !== undefined && (
          <span class="aside under">
            {formatCount(cores)} cores, {formatBytes(memoryBytes)}
          </span>
        )}
      </td>
      <td>
        {machine.dtype ?? NO_FIGURE}
        {machine.threads !== undefined && (
          <span class="aside under">
            {machine.digest?.slice(0, 8)} × {formatCount(machine.threads)}{' '}
            {machine.threads === 1 ? 'thread' : 'threads'}
          </span>
        )}
      </td>
      <td>{formatTokenRate(machine.tokensPerSecond ?? null)}</td>
      <td>
        {toNext ? `${formatBytes(Math.round(toNext.bytesPerS))}/s` : NO_FIGURE}
        {toNext && <span class="aside under">{formatMs(toNext.latencyMs)}</span>}
      </td>
    </tr>
  );
}
