/**
 * Every rank of a plan: its tokens, when it is done, what its time goes into, and what limits it.
 */
import type { PlanDocument, PlanRank } from '../../core/documents/plan-document.js';
import { formatCount, formatMs } from '../format/figures.js';

export function PlanTable({ plan: { ranks, predictedTtftMs } }: { readonly plan: PlanDocument }) {
  const longestMs = Math.max(predictedTtftMs, ...ranks.map(({ predictedMs }) => predictedMs));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Every rank of the plan">
      <table class="plan">
        <caption>
          Every rank, <span class="label predicted">predicted</span>: <span class="swatch compute" /> blocks{' '}
          <span class="swatch attention" /> attention <span class="swatch wait" /> waiting
        </caption>
        <thead>
          <tr>
            <th scope="col">Rank</th>
            <th scope="col">Tokens</th>
            <th scope="col">Done at</th>
            <th scope="col" class="wide">
              Its time
            </th>
            <th scope="col" class="words">
              Limit
            </th>
          </tr>
        </thead>
        <tbody>
          {ranks.map((rank) => (
            <tr key={rank.rank}>
              <th scope="row">{rank.rank}</th>
              <td>{formatCount(rank.slice[1] - rank.slice[0])}</td>
              <td>{formatMs(rank.predictedMs)}</td>
              <td class="wide">
                <Shares rank={rank} longestMs={longestMs} />
              </td>
              <td class="words">{rank.limit}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Shares({ rank, longestMs }: { readonly rank: PlanRank; readonly longestMs: number }) {
  const { computeMs, attentionMs, waitMs, predictedMs } = rank;
  const blocksMs = Math.max(0, computeMs - attentionMs);
  const parts = [
    ['compute', blocksMs, 'blocks'],
    ['attention', attentionMs, 'attention'],
    ['wait', waitMs, 'waiting'],
  ] as const;
  const told = parts.map(([, ms, word]) => `${word} ${formatMs(ms)}`).join(', ');
  const restMs = Math.max(0, longestMs - Math.max(predictedMs, blocksMs + attentionMs + waitMs));
  return (
    <div class="shares" role="img" aria-label={told} title={told}>
      {parts.map(([kind, ms]) => (
        <span key={kind} class={`share ${kind}`} style={{ flexGrow: ms }} />
      ))}
      <span class="share" style={{ flexGrow: restMs }} />
    </div>
  );
}
