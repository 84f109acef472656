/**
 * The members of an object in their order, then any number of others, as many as are asked for.
 */
import type { Meter } from '../limits/meter.js';
import { unheldFault } from '../schema/schema.js';
import { askedOf, type Together } from '../schema/together.js';
import * as json from '../terms/json-text.js';
import { choice, IMPOSSIBLE, NOTHING, repeat, separated, sequence, type Term } from '../terms/terms.js';

export type Member = { readonly isRequired: boolean; readonly term: Term };
export type Counts = {
  readonly min: number;
  readonly max: number;
  readonly parts: Together;
  readonly path: string;
};

/** Members that are counted one by one. */
const MAX_COUNTED = 500;

/** @param other one more member; undefined where there may be none. @throws BAD_INPUT */
export function membersTerm(
  members: readonly Member[],
  other: Term | undefined,
  counts: Counts,
  meter: Meter,
): Term {
  const { min } = counts;
  const max = other === undefined && counts.max >= members.length ? Infinity : counts.max;
  // The same name may come twice among others: only one of them can be relied on.
  if (other !== undefined && min > members.length + 1) throw tooFewNames(counts);
  const most = Math.min(Math.max(1, min, max === Infinity ? 0 : max), MAX_COUNTED);
  if (min > most) throw tooFewNames(counts);
  let rows = Array.from({ length: most + 1 }, (_, used) =>
    endAfter(used, other, min, Math.min(max, max === Infinity ? max : most)),
  );
  for (const { isRequired, term } of [...members].reverse()) {
    meter.spend(most > 1 ? 4 * most : 0);
    rows = rows.map((without, used) => {
      const isRoom = used < most || max === Infinity;
      const after = rows[Math.min(used + 1, most)] as Term;
      const as = isRoom ? sequence(used > 0 ? json.COMMA : NOTHING, term, after) : IMPOSSIBLE;
      return isRequired ? as : choice(as, without);
    });
  }
  return rows[0] as Term;
}

/** @param used members so far; the highest count stands for all above it where there is no upper bound */
function endAfter(used: number, other: Term | undefined, min: number, max: number): Term {
  const missing = Math.max(0, min - used);
  if (other === undefined) return missing === 0 ? NOTHING : IMPOSSIBLE;
  if (missing > 1 || used > max) return IMPOSSIBLE;
  const room = max - used;
  if (used === 0) return separated(other, json.COMMA, missing, room);
  return room > 0 ? repeat(sequence(json.COMMA, other), missing, room) : missing === 0 ? NOTHING : IMPOSSIBLE;
}

function tooFewNames({ parts, path, min }: Counts): Error {
  const [{ schema } = { schema: {} }] = askedOf(parts, 'minProperties');
  return unheldFault(
    { schema, keyword: 'minProperties', path },
    `minProperties of ${min} is more than the names that are listed; list more, or ask for fewer`,
  );
}
