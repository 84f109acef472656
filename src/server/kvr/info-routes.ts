/**
 * What the server says of itself: whether it is ready, its model and chain, a plan, the last requests, and metrics.
 */
import type { MachineList } from '../../core/documents/machine-list.js';
import type { PlanDocument } from '../../core/documents/plan-document.js';
import type { RequestList } from '../../core/documents/request-record.js';
import type { ServerInfo } from '../../core/documents/server-info.js';
import { KvrError } from '../../core/errors.js';
import { MAX_RANKS } from '../../core/partition.js';
import { parseDuration, parseRate, parseTokens } from '../../core/quantities.js';
import { machinesOf } from '../../engine/machines.js';
import { DEFAULT_WHAT_IF_LATENCY_MS, forecast, replicate } from '../../engine/partition/forecast.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import { bad } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';

/**
 * 200 while requests can be answered, also by a part of the workers ('degraded'); 503 while none can ('recovering'), while nobody
 * has joined yet ('waiting'), and while the server closes, when it still finishes requests but should get no new ones. Says which workers can not be used, and why.
 */
export function ready(c: HttpContext, { running, engine }: ServerContext): Response {
  const { members, invitation } = engine;
  const missing = members
    .filter(({ status }) => status !== 'usable')
    .map(({ id, status, reason }) => ({ worker: id, status, ...(reason && { reason: reason.message }) }));
  const alive = members.length - missing.length;
  const status = running.isClosing ? 'closing' : readiness(alive, members.length);
  const message =
    members.length === 0 && invitation && `0 workers have joined; type on another machine: ${invitation}`;
  const state = {
    status,
    workers: members.length,
    alive,
    running: running.count,
    missing,
    ...(message && { message }),
  };
  return c.json(state, status === 'ready' || status === 'degraded' ? 200 : 503);
}

function readiness(alive: number, all: number): 'ready' | 'degraded' | 'recovering' | 'waiting' {
  if (all === 0) return 'waiting';
  if (alive === all) return 'ready';
  return alive > 0 ? 'degraded' : 'recovering';
}

export function showInfo(c: HttpContext, { engine, settings }: ServerContext): Response {
  const { model, workers } = engine;
  const { architecture, layers, contextTokens } = model.shape;
  return c.json<ServerInfo>({
    version: settings.version,
    model: {
      name: model.name,
      architecture,
      layers,
      parameters: model.parameters,
      contextTokens,
      hasChatTemplate: model.tokenizer.hasChatTemplate,
    },
    dtype: engine.settings.dtype,
    kvDtype: engine.settings.kvDtype,
    workers: engine.members.length,
    threads: workers[0]?.ready.threads ?? 1,
    prefillProgress: true,
  });
}

/** Who is in the cluster, whether he can be used or not. */
export function showMachines(c: HttpContext, { engine }: ServerContext): Response {
  return c.json<MachineList>({ machines: machinesOf(engine) });
}

export function showRequests(c: HttpContext, { ledger }: ServerContext): Response {
  return c.json<RequestList>({ requests: ledger.records });
}

/** Who waits for a turn, the next one first; ids are those of answers and of /kvr/requests. */
export function showQueue(c: HttpContext, { engine }: ServerContext): Response {
  const waiting = (engine.waiting ?? []).map(({ id = null, priority }, at) => ({
    id,
    queue_position: at + 1,
    // What is run again after a loss goes before all others.
    priority: Number.isFinite(priority) ? priority : null,
  }));
  return c.json({ waiting });
}

/** What Prometheus reads. */
export async function showMetrics(c: HttpContext, { metrics }: ServerContext): Promise<Response> {
  return c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType });
}

/** As `kvr plan --json`. @throws BAD_INPUT, PROMPT_TOO_LONG */
export function showPlan(c: HttpContext, { engine }: ServerContext): Response {
  const { context = '', workers, link, latency } = c.req.query();
  const contextTokens = parseTokens('context', context);
  const { shape, name } = engine.model;
  if (contextTokens > shape.contextTokens) {
    const message = `a context of ${contextTokens} tokens is more than the model takes; give at most ${shape.contextTokens}`;
    throw new KvrError('PROMPT_TOO_LONG', message, { param: 'context' });
  }
  const whatIf = readWhatIf(engine, { workers, link, latency });
  const knowledge = knowledgeOf(engine, whatIf);
  const startMs = performance.now();
  const answer = forecast({ contextTokens, shape, knowledge, partition: 'auto' });
  return c.json<PlanDocument>({
    label: 'predicted',
    model: name,
    dtype: engine.settings.dtype,
    kvDtype: engine.settings.kvDtype,
    threads: engine.workers[0]?.ready.threads ?? 1,
    ...answer,
    ...(whatIf && { whatIf }),
    planningMs: performance.now() - startMs,
  });
}

type WhatIf = NonNullable<PlanDocument['whatIf']>;
type WhatIfQuery = Readonly<Record<'workers' | 'link' | 'latency', string | undefined>>;

/** Workers or links that are only thought of; undefined where the chain at hand is meant. @throws BAD_INPUT */
function readWhatIf(engine: ServedEngine, { workers, link, latency }: WhatIfQuery): WhatIf | undefined {
  if (workers === undefined && link === undefined && latency === undefined) return undefined;
  const count = workers === undefined ? engine.members.length : Number(workers);
  if (!/^\d{1,4}$/.test(workers ?? '1') || count < 1 || count > MAX_RANKS)
    throw bad(
      `workers must be a whole number from 1 to ${MAX_RANKS}; ${workers?.slice(0, 20)} was given`,
      'workers',
    );
  const measured = engine.costs?.knowledge.links[0];
  return {
    workers: count,
    bytesPerS:
      link === undefined ? (measured?.bytesPerS ?? DEFAULT_LINK_BYTES_PER_S) : parseRate('link', link),
    latencyMs:
      latency === undefined
        ? (measured?.latencyMs ?? DEFAULT_WHAT_IF_LATENCY_MS)
        : parseDuration('latency', latency),
  };
}

/** 10 Gbit: what to think of where no link is given and none was measured. */
const DEFAULT_LINK_BYTES_PER_S = 10e9 / 8;

/** @throws BAD_INPUT where nothing was measured */
function knowledgeOf({ costs }: ServedEngine, whatIf: WhatIf | undefined) {
  const [one] = costs?.knowledge.workers ?? [];
  if (!costs || !one)
    throw bad('the workers were not measured, so nothing can be predicted; start without --no-calibrate');
  const { kvDtype } = costs.knowledge;
  return whatIf ? replicate({ worker: one, kvDtype }, whatIf.workers, whatIf) : costs.knowledge;
}
