/**
 * Keeps the store true: loads what there is, follows what happens, and begins again when the connection is lost.
 */
import { signal } from '@preact/signals';
import { call, getJson } from '../data/api.js';
import { isKeyWanted } from '../data/key.js';
import { liveEvent } from '../data/live-event.js';
import { machineListSchema } from '../../core/documents/machine-list.js';
import { requestListSchema } from '../../core/documents/request-record.js';
import { serverInfoSchema } from '../../core/documents/server-info.js';
import { readSse } from '../data/sse.js';
import { applyLive, info, infoFailure, machines, replaceRequests } from './store.js';

type ConnectionState = 'connecting' | 'live' | 'lost';
export const connection = signal<ConnectionState>('connecting');

/** Pauses between attempts double from the first to the longest; then the reader has to ask for another. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const MAX_ATTEMPTS = 20;
/** Between two looks at the machines. */
const MACHINES_MS = 5_000;

let running: AbortController | undefined;

/** Begins, or begins again: with a key that was just given, or when asked to. */
export function connect(): void {
  running?.abort();
  running = new AbortController();
  void keepConnected(running.signal);
}

async function keepConnected(signal: AbortSignal): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let attempt = 0; attempt < MAX_ATTEMPTS && !signal.aborted; attempt++) {
    connection.value = 'connecting';
    if (await follow(signal)) {
      attempt = 0;
      pauseMs = FIRST_PAUSE_MS;
    }
    if (signal.aborted) return;
    connection.value = 'lost';
    // More attempts with the key that was refused help nobody: connect() is called with the next one.
    if (isKeyWanted.value) return;
    await pause(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** @returns whether the stream stood, once it no longer does */
async function follow(signal: AbortSignal): Promise<boolean> {
  if (!(await loadInfo(signal))) return false;
  const live = await call('kvr/live', { signal });
  if (!live.isOk || !live.value.body) return false;
  const events = readSse(live.value.body);
  const list = await getJson('kvr/requests', requestListSchema, signal);
  if (list.isOk) replaceRequests(list.value.requests);
  connection.value = 'live';
  const ended = new AbortController();
  void followMachines(AbortSignal.any([signal, ended.signal]));
  try {
    for await (const event of events) {
      const known = liveEvent(event);
      if (known) applyLive(known);
    }
  } catch (error) {
    // The browser tells of a broken or aborted stream so; anything else is a defect of the page.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
  } finally {
    ended.abort();
  }
  return true;
}

/** They come and go seldom: they are asked for now and then, while somebody looks. */
async function followMachines(signal: AbortSignal): Promise<void> {
  for (; !signal.aborted; await pause(MACHINES_MS, signal)) {
    if (document.hidden) continue;
    const answer = await getJson('kvr/machines', machineListSchema, signal);
    if (answer.isOk) machines.value = answer.value.machines;
  }
}

async function loadInfo(signal: AbortSignal): Promise<boolean> {
  const answer = await getJson('kvr/info', serverInfoSchema, signal);
  if (answer.isOk) info.value = answer.value;
  infoFailure.value = answer.isOk ? null : answer.failure.message;
  return answer.isOk;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
