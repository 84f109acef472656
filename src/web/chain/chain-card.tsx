/**
 * The chain of one request: figures, the picture of every rank, and the same in a table.
 */
import { useEffect, useMemo } from 'preact/hooks';
import type { RankTimeline } from '../../core/timeline.js';
import type { RequestRecord } from '../../core/documents/request-record.js';
import { formatBytes, formatClock, formatCount, formatMs, formatRate } from '../format/figures.js';
import { expectationFor, loadExpectation } from '../state/expectation.js';
import { progress, requests, selectedId, shownRequest } from '../state/store.js';
import { Figures } from './chain-figures.jsx';
import { firstSpan, lanesOf, marksOf, wholeSpan } from './lanes/lanes.js';
import { Legend } from './legend.jsx';
import { activeSpan, flowsOf, fullRate, mostRate } from './lanes/rates.js';
import { RankTable } from './rank-table.jsx';
import { Timeline } from './timeline.jsx';
import { useElapsed } from './use-elapsed.js';

export function ChainCard() {
  const record = shownRequest.value;
  return (
    <section class="card" id="chain" aria-labelledby="chain-title" tabIndex={-1}>
      <div class="card-head">
        <h2 id="chain-title">Chain</h2>
        {record && <Subject record={record} />}
      </div>
      {record ? <Chain key={record.id} record={record} /> : <Nothing />}
    </section>
  );
}

function Nothing() {
  return (
    <p class="empty">
      No request yet. Ask something long: the prompt is cut into slices, one for each rank of the chain, and
      what every rank does is drawn here.
    </p>
  );
}

function Subject({ record }: { readonly record: RequestRecord }) {
  const isChosen = selectedId.value !== null && requests.value.some(({ id }) => id === selectedId.value);
  return (
    <p class="subject">
      <span class={`status ${record.status}`}>{record.status}</span> {record.kind} at{' '}
      {formatClock(record.atMs)}, {formatCount(record.promptTokens)} tokens
      {isChosen && (
        <button type="button" class="link" onClick={() => (selectedId.value = null)}>
          Follow the newest
        </button>
      )}
    </p>
  );
}

function Chain({ record }: { readonly record: RequestRecord }) {
  const running = progress.value.get(record.id);
  const isReading = record.status === 'prefill' && running !== undefined;
  const nowMs = useElapsed(isReading ? running.startMs : undefined);
  const plan = expectationFor(record.promptTokens);
  useEffect(() => void loadExpectation(record.promptTokens), [record.promptTokens]);
  const lanes = useMemo(() => lanesOf(record, plan), [record, plan]);
  const marks = useMemo(() => marksOf(record, plan), [record, plan]);
  const spans = [lanes, marks, nowMs ?? 0] as const;
  return (
    <>
      <Figures record={record} plan={plan} />
      {isReading && <Reading fraction={running.fraction} nowMs={nowMs ?? 0} />}
      {record.error && <p class="failure">{record.error.message}</p>}
      {lanes.length > 0 && (
        <>
          <Legend isMeasured={record.timeline.length > 0} fullRate={fullRate(record.timeline)} />
          <Timeline
            lanes={lanes}
            marks={marks}
            first={firstSpan(...spans)}
            whole={wholeSpan(...spans)}
            nowMs={nowMs}
            label={summaryOf(record)}
          />
        </>
      )}
      {record.timeline.length > 0 && <RankTable timeline={record.timeline} lanes={lanes} />}
    </>
  );
}

function Reading({ fraction, nowMs }: { readonly fraction: number; readonly nowMs: number }) {
  return (
    <div class="reading">
      <progress max={1} value={fraction} aria-label="Prompt phase" />
      <span>
        {Math.round(100 * fraction)} % of the prompt phase after {formatMs(nowMs)}
      </span>
    </div>
  );
}

function summaryOf({ timeline, ttftMs, status }: RequestRecord): string {
  const first =
    ttftMs === null ? `the request is ${status}` : `first token after ${formatMs(ttftMs)}, measured`;
  const ranks = timeline.map((rank) => {
    const times = `took ${formatMs(rank.totalMs)}, of which ${formatMs(rank.waitMs)} waiting`;
    return `rank ${rank.rank} ${times}${trafficSummary(rank)}`;
  });
  return `Timeline of every rank: ${[first, ...ranks].join('; ')}. The table below has all figures.`;
}

/** What the strips of bytes show: how many, from when to when, how fast at most. */
function trafficSummary(rank: RankTimeline): string {
  const { sent, received } = flowsOf(rank);
  const told = [
    { verb: 'sent', bytes: rank.sentBytes, flow: sent },
    { verb: 'received', bytes: rank.receivedBytes, flow: received },
  ].map(({ verb, bytes, flow }) => {
    const span = activeSpan(flow);
    if (!span) return '';
    const when = `from ${formatMs(span.fromMs)} to ${formatMs(span.toMs)}`;
    return `, ${verb} ${formatBytes(bytes)} ${when} at up to ${formatRate(mostRate(flow))}`;
  });
  return told.join('');
}
