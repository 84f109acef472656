/**
 * The context as one bar, cut into the slices of the ranks: widths are tokens.
 */
import type { PlanDocument } from '../../core/documents/plan-document.js';
import { formatCount, formatShare } from '../format/figures.js';

export function PartitionBar({ plan: { partition, contextTokens } }: { readonly plan: PlanDocument }) {
  const ranges = partition.map((tokens, rank) => ({ rank, tokens, share: tokens / contextTokens }));
  const told = ranges.map(({ rank, tokens }) => `rank ${rank}: ${formatCount(tokens)} tokens`).join(', ');
  return (
    <figure class="partition">
      <figcaption>
        Partition of {formatCount(contextTokens)} tokens, <span class="label predicted">predicted</span>
      </figcaption>
      <div class="bar" role="img" aria-label={told}>
        {ranges.map(({ rank, tokens, share }) => (
          <div
            key={rank}
            class={rank % 2 === 0 ? 'slice even' : 'slice odd'}
            style={{ flexGrow: tokens }}
            title={`rank ${rank}: ${formatCount(tokens)} tokens, ${formatShare(share)}`}
          >
            <span class="slice-rank">{rank}</span>
            {share > 0.11 && <span class="slice-tokens">{formatCount(tokens)}</span>}
          </div>
        ))}
      </div>
    </figure>
  );
}
