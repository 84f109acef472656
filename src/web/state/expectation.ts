/**
 * What the plan says of the request that is shown, rank by rank: drawn beside what was measured.
 */
import { signal } from '@preact/signals';
import { getJson } from '../data/api.js';
import { type PlanDocument, planDocumentSchema } from '../../core/documents/plan-document.js';

/** Plans by context length; a failure is kept as null, so that it is not asked for again. */
const known = signal<ReadonlyMap<number, PlanDocument | null>>(new Map());
const MAX_KNOWN = 50;
const asked = new Set<number>();

export function expectationFor(contextTokens: number): PlanDocument | null {
  return known.value.get(contextTokens) ?? null;
}

export async function loadExpectation(contextTokens: number): Promise<void> {
  if (contextTokens < 1 || asked.has(contextTokens)) return;
  if (asked.size >= MAX_KNOWN) asked.clear();
  asked.add(contextTokens);
  const answer = await getJson(`kvr/plan?context=${contextTokens}`, planDocumentSchema);
  const kept = [...known.value].slice(-MAX_KNOWN + 1);
  known.value = new Map([...kept, [contextTokens, answer.isOk ? answer.value : null]]);
}
