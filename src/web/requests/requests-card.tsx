/**
 * Recent requests; a row shows its chain.
 */
import type { RequestRecord } from '../../core/documents/request-record.js';
import {
  formatClock,
  formatCount,
  formatGain,
  formatMsOrNone,
  formatTokenRate,
  NO_FIGURE,
} from '../format/figures.js';
import { requests, selectedId, shownRequest } from '../state/store.js';

export function RequestsCard() {
  const list = requests.value;
  return (
    <section class="card" id="requests" aria-labelledby="requests-title" tabIndex={-1}>
      <div class="card-head">
        <h2 id="requests-title">Recent requests</h2>
        {list.length > 0 && <p class="subject">the last {list.length}; a row opens its chain</p>}
      </div>
      {list.length === 0 ? (
        <p class="empty">
          None yet. Requests of every client of this server are listed here, without their texts.
        </p>
      ) : (
        <RequestTable list={list} />
      )}
    </section>
  );
}

function RequestTable({ list }: { readonly list: readonly RequestRecord[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Recent requests">
      <table class="requests">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col" class="words">
              Status
            </th>
            <th scope="col">
              First token <span class="label measured">measured</span>
            </th>
            <th scope="col">
              First token <span class="label predicted">predicted</span>
            </th>
            <th scope="col">
              One worker <span class="label predicted">predicted</span>
            </th>
            <th scope="col">Prompt</th>
            <th scope="col">New</th>
            <th scope="col">
              Decoding <span class="label measured">measured</span>
            </th>
            <th scope="col">Ranks</th>
          </tr>
        </thead>
        <tbody>
          {list.map((record) => (
            <Row key={record.id} record={record} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ record }: { readonly record: RequestRecord }) {
  const { id, status, cachedTokens, singleTtftMs, ttftMs, recoveries = 0, recoveryMs = 0 } = record;
  const isShown = shownRequest.value?.id === id;
  const open = (): void => {
    selectedId.value = id;
    location.hash = '#chain';
    document.getElementById('chain')?.focus();
  };
  return (
    <tr class={isShown ? 'shown' : ''} onClick={open}>
      <th scope="row">
        <button
          type="button"
          class="link"
          aria-current={isShown ? 'true' : undefined}
          aria-label={`Show the chain of the ${record.kind} request at ${formatClock(record.atMs)}`}
          onClick={(event) => (event.stopPropagation(), open())}
        >
          {formatClock(record.atMs)}
        </button>
      </th>
      <td class="words">
        <span class={`status ${status}`}>{status}</span>
        {recoveries > 0 && (
          <span class="aside under">
            lost a worker{recoveries > 1 && ` ${recoveries} times`}, went on after{' '}
            {formatMsOrNone(recoveryMs)}
          </span>
        )}
      </td>
      <td>{formatMsOrNone(ttftMs)}</td>
      <td>{formatMsOrNone(record.predictedTtftMs)}</td>
      <td>
        {formatMsOrNone(singleTtftMs)}
        {ttftMs !== null && singleTtftMs !== null && (
          <span class="aside under">gain {formatGain(singleTtftMs / ttftMs)}</span>
        )}
      </td>
      <td>
        {formatCount(record.promptTokens)}
        {cachedTokens > 0 && <span class="aside under">{formatCount(cachedTokens)} cached</span>}
      </td>
      <td>{formatCount(record.completionTokens)}</td>
      <td>{formatTokenRate(record.decodeTokensPerSecond)}</td>
      <td>{record.partition.length > 0 ? record.partition.length : NO_FIGURE}</td>
    </tr>
  );
}
