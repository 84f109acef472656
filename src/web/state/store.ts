/**
 * What the page knows: the server, its requests, and which of them is looked at. Views read these signals and are
 * drawn again when one changes.
 */
import { computed, signal } from '@preact/signals';
import type { ChangedRecord, LiveEvent } from '../../core/documents/live-event.js';
import type { MachineRecord } from '../../core/documents/machine-list.js';
import { MAX_RECORDS, type RequestRecord } from '../../core/documents/request-record.js';
import type { ServerInfo } from '../../core/documents/server-info.js';

/** How far a request is that runs now, by this page's clock. */
export type Progress = {
  readonly fraction: number;
  /** performance.now() when its prompt phase was first heard of. */
  readonly startMs: number;
};

export const info = signal<ServerInfo | null>(null);
/** Why there is no info: a message for people. */
export const infoFailure = signal<string | null>(null);
/** Newest first. */
export const requests = signal<readonly RequestRecord[]>([]);
/** In chain order. */
export const machines = signal<readonly MachineRecord[]>([]);
export const progress = signal<ReadonlyMap<string, Progress>>(new Map());
/** The request whose chain is shown; null follows the newest. */
export const selectedId = signal<string | null>(null);

export const shownRequest = computed<RequestRecord | undefined>(() => {
  const list = requests.value;
  return list.find(({ id }) => id === selectedId.value) ?? newest(list);
});

/** A request that runs is news before one that ended. */
function newest(list: readonly RequestRecord[]): RequestRecord | undefined {
  return list.find(({ status }) => status === 'prefill' || status === 'decode') ?? list[0];
}

/** The whole list, as it is fetched at the beginning and after a lost connection. */
export function replaceRequests(list: readonly RequestRecord[]): void {
  requests.value = list;
}

export function applyLive({ type, data }: LiveEvent): void {
  switch (type) {
    case 'request': {
      const known = requests.value.find(({ id }) => id === data.id);
      keep({ ...data, timeline: known?.timeline ?? [] });
      return track(data);
    }
    case 'progress':
      return advance(data.id, data.fraction);
    case 'tokens':
      return patch(data.id, { completionTokens: data.count });
    case 'timeline':
      return patch(data.id, { timeline: data.timeline });
  }
}

function keep(record: RequestRecord): void {
  const list = requests.value;
  const isKnown = list.some(({ id }) => id === record.id);
  requests.value = isKnown
    ? list.map((each) => (each.id === record.id ? record : each))
    : [record, ...list].slice(0, MAX_RECORDS);
}

function patch(id: string, fields: Partial<RequestRecord>): void {
  requests.value = requests.value.map((each) => (each.id === id ? { ...each, ...fields } : each));
}

/** Remembers when a prompt phase began; forgets requests that ended. */
function track({ id, status }: ChangedRecord): void {
  if (status === 'prefill') return advance(id, 0);
  if (status === 'decode') return advance(id, 1);
  if (status === 'queued' || !progress.value.has(id)) return;
  const left = new Map(progress.value);
  left.delete(id);
  progress.value = left;
}

function advance(id: string, fraction: number): void {
  const known = progress.value.get(id);
  const next = {
    fraction: Math.max(known?.fraction ?? 0, Math.min(1, fraction)),
    startMs: known?.startMs ?? performance.now(),
  };
  progress.value = new Map(progress.value).set(id, next);
}
