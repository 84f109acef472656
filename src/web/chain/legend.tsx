/** What the colours of a timeline mean. */
export function Legend({ isMeasured }: { readonly isMeasured: boolean }) {
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
      <li>
        <span class="swatch send" /> sending to the next rank
      </li>
      <li class="label">{isMeasured ? 'measured' : 'outlines predicted'}</li>
    </ul>
  );
}
