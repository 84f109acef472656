/**
 * The picture's figures in numbers, for every rank.
 */
import type { RankTimeline } from '../../core/timeline.js';
import { formatBytes, formatCount, formatMs, formatMsOrNone, formatShare } from '../format/figures.js';
import type { Lane } from './lanes/lanes.js';

type RankTableProps = { readonly timeline: readonly RankTimeline[]; readonly lanes: readonly Lane[] };

/** A longer table is folded: the picture says most of it. */
const MOST_OPEN = 4;

export function RankTable({ timeline, lanes }: RankTableProps) {
  return (
    <details class="ranks" open={timeline.length <= MOST_OPEN}>
      <summary>
        Figures of every rank, <span class="label measured">measured</span>
      </summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Figures of every rank">
        <table>
          <thead>
            <tr>
              <th scope="col">Rank</th>
              <th scope="col">Tokens</th>
              <th scope="col">Total</th>
              <th scope="col">Compute</th>
              <th scope="col">of it attention</th>
              <th scope="col">Waiting</th>
              <th scope="col">Sent</th>
              <th scope="col">Received</th>
              <th scope="col">Total, predicted</th>
            </tr>
          </thead>
          <tbody>
            {timeline.map((rank, i) => (
              <tr key={rank.rank}>
                <th scope="row">{rank.rank}</th>
                <td>{formatCount(rank.slice[1] - rank.slice[0])}</td>
                <td>{formatMs(rank.totalMs)}</td>
                <td>{formatMs(rank.computeMs)}</td>
                <td>{formatMs(rank.attentionMs)}</td>
                <td>
                  {formatMs(rank.waitMs)} <span class="aside">{waitShare(rank)}</span>
                </td>
                <td>{formatBytes(rank.sentBytes)}</td>
                <td>{formatBytes(rank.receivedBytes)}</td>
                <td>{formatMsOrNone(lanes[i]?.expectedMs ?? null)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function waitShare({ waitMs, totalMs }: RankTimeline): string {
  return totalMs > 0 ? formatShare(waitMs / totalMs) : '';
}
