/**
 * GET /metrics: figures for Prometheus, counted from the ledger's records as requests end.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestRecord } from '../../core/documents/request-record.js';
import type { Ledger } from './ledger.js';

/** Seconds: from a short prompt on a fast chain to a book on a slow one. */
const TTFT_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const TPOT_BUCKETS_S = [0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2];
const QUEUE_BUCKETS_S = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300];

export class Metrics {
  readonly #registry = new Registry();
  readonly #counts;

  /** @param refusals how many peers were kept out of the cluster, by reason */
  constructor(ledger: Ledger, refusals: () => ReadonlyMap<string, number> | undefined = () => undefined) {
    const registers = [this.#registry];
    const active = (status: RequestRecord['status'][]): number => ledger.activeCount(status);
    new Gauge({
      name: 'kvr_requests_queued',
      help: 'Requests that wait for their prompt phase',
      registers,
      collect() {
        this.set(active(['queued']));
      },
    });
    new Gauge({
      name: 'kvr_requests_running',
      help: 'Requests in their prompt phase or decoding',
      registers,
      collect() {
        this.set(active(['prefill', 'decode']));
      },
    });
    new Counter({
      name: 'kvr_peers_refused_total',
      help: 'Peers that were kept out: without the key, under a wrong name, without a hello, unreachable or unfit',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const [reason, count] of refusals() ?? []) this.inc({ reason }, count);
      },
    });
    this.#counts = counters(registers);
    ledger.listen((event) => {
      if (event.type === 'request') this.#count(event.data);
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #count(record: RequestRecord): void {
    const { kind, status, ttftMs, decodeTokensPerSecond, queueMs } = record;
    if (status === 'queued' || status === 'prefill' || status === 'decode') return;
    const counts = this.#counts;
    counts.requests.inc({ kind, status });
    counts.promptTokens.inc(record.promptTokens);
    counts.cachedTokens.inc(record.cachedTokens);
    counts.prefixHits.inc({ from: hitOf(record) });
    counts.storedTokens.inc(storedTokensOf(record));
    counts.completionTokens.inc(record.completionTokens);
    counts.recoveries.inc(record.recoveries ?? 0);
    if (record.recoveryMs !== undefined) counts.recovery.observe(record.recoveryMs / 1000);
    if (queueMs !== null) counts.queue.observe(queueMs / 1000);
    if (ttftMs !== null) counts.ttft.observe(ttftMs / 1000);
    if (decodeTokensPerSecond !== null && decodeTokensPerSecond > 0)
      counts.tpot.observe(1 / decodeTokensPerSecond);
    for (const { rank, sentBytes, waitMs, totalMs } of record.timeline) {
      counts.linkBytes.inc({ rank }, sentBytes);
      counts.rankWait.inc({ rank }, waitMs / 1000);
      counts.rankTotal.inc({ rank }, totalMs / 1000);
    }
  }
}

function storedTokensOf({ timeline }: RequestRecord): number {
  return timeline.reduce((sum, { storedTokens = 0 }) => sum + storedTokens, 0);
}

function hitOf(record: RequestRecord): 'memory' | 'disk' | 'none' {
  if (record.cachedTokens === 0) return 'none';
  return storedTokensOf(record) > 0 ? 'disk' : 'memory';
}

/** A rank's share of waiting is rate(kvr_rank_wait_seconds_total) over rate(kvr_rank_prefill_seconds_total). */
function counters(registers: Registry[]) {
  const counter = <T extends string>(name: string, help: string, labelNames: T[] = []): Counter<T> =>
    new Counter({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]): Histogram =>
    new Histogram({ name, help, buckets, registers });
  return {
    requests: counter('kvr_requests_total', 'Requests that ended, by kind and how', ['kind', 'status']),
    promptTokens: counter('kvr_prompt_tokens_total', 'Tokens of prompts'),
    cachedTokens: counter('kvr_cached_tokens_total', 'Tokens of prompts found in the prefix cache'),
    storedTokens: counter('kvr_stored_tokens_total', 'Those of them that were read from disk'),
    prefixHits: counter(
      'kvr_prefix_hits_total',
      'Requests that ended, by where the first rows of their prompts were found',
      ['from'],
    ),
    completionTokens: counter('kvr_completion_tokens_total', 'New tokens'),
    recoveries: counter(
      'kvr_request_recoveries_total',
      'Times that requests went on after a worker or a link was lost',
    ),
    recovery: histogram(
      'kvr_request_recovery_seconds',
      'How long a request stood still for its recoveries',
      QUEUE_BUCKETS_S,
    ),
    linkBytes: counter('kvr_link_sent_bytes_total', 'Bytes of keys and values a rank sent on', ['rank']),
    rankWait: counter('kvr_rank_wait_seconds_total', 'Time a rank waited for keys and values', ['rank']),
    rankTotal: counter('kvr_rank_prefill_seconds_total', 'Time a rank spent in prompt phases', ['rank']),
    ttft: histogram('kvr_ttft_seconds', 'From the chain to the first token', TTFT_BUCKETS_S),
    tpot: histogram('kvr_tpot_seconds', 'Time per token after the first', TPOT_BUCKETS_S),
    queue: histogram('kvr_queue_seconds', 'From being asked to the chain', QUEUE_BUCKETS_S),
  };
}
