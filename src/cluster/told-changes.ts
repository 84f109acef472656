/**
 * Tells, in one line each, which workers of a cluster can be used from now on, and which not any more.
 */
import type { Cluster } from './cluster.js';

/** @param tell gets the lines. @returns what ends it: a cluster that closes loses all of them */
export function tellChanges(cluster: Cluster, tell: (words: string) => void): () => void {
  let before: readonly string[] = [];
  return cluster.onChange(() => {
    const now = cluster.workers.map(({ handle }) => handle.id);
    for (const id of now.filter((each) => !before.includes(each)))
      tell(`worker ${id} has joined; ${usable(now)}`);
    for (const id of before.filter((each) => !now.includes(each)))
      tell(`worker ${id} is gone${whyOf(cluster, id)}; ${usable(now)}`);
    before = now;
  });
}

function whyOf({ members }: Cluster, id: string): string {
  const member = members.find((each) => each.id === id);
  if (!member) return ' as it said';
  return member.reason ? ` (${member.reason.message})` : '';
}

function usable({ length }: readonly string[]): string {
  return length === 1 ? '1 worker can be used' : `${length} workers can be used`;
}
