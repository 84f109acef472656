/** What the colours of a timeline mean, and the scale of its bytes. */
import { formatRate } from '../format/figures.js';

type LegendProps = {
  readonly isMeasured: boolean;
  /** Bytes a millisecond at the most; 0 where nothing went over a link. */
  readonly fullRate: number;
};

export function Legend({ isMeasured, fullRate }: LegendProps) {
  return (
    <ul class="legend" aria-label="Colours">
      <li>
        <span class="swatch compute" /> blocks
      </li>
      <li>
        <span class="swatch attention" /> attention
      </li>
      <li>
        <span class="swatch wait" /> waiting for earlier keys and values
      </li>
      {fullRate > 0 && (
        <>
          <li>
            <span class="swatch send" /> bytes sent, up
          </li>
          <li>
            <span class="swatch receive" /> received, down
          </li>
          <li>full height {formatRate(fullRate)}, by square root</li>
        </>
      )}
      <li class="label">{isMeasured ? 'measured' : 'outlines predicted'}</li>
    </ul>
  );
}
