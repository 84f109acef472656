/**
 * The figures of one request. Each says whether it was measured or predicted.
 */
import type { ComponentChildren } from 'preact';
import type { PlanDocument } from '../../core/documents/plan-document.js';
import type { RequestRecord } from '../../core/documents/request-record.js';
import {
  formatCount,
  formatDifference,
  formatMsOrNone,
  formatSpeedup,
  formatTokenRate,
  NO_FIGURE,
} from '../format/figures.js';

type FigureProps = {
  readonly name: string;
  readonly label: 'measured' | 'predicted' | '';
  readonly value: string;
  readonly children?: ComponentChildren;
  readonly isMain?: boolean;
};

export function Figure({ name, label, value, children, isMain }: FigureProps) {
  return (
    <div class={isMain ? 'figure main' : 'figure'}>
      <dt>{name}</dt>
      <dd class="value">{value}</dd>
      {label !== '' && <dd class={`label ${label}`}>{label}</dd>}
      {children && <dd class="note">{children}</dd>}
    </div>
  );
}

export function Figures({
  record,
  plan,
}: {
  readonly record: RequestRecord;
  readonly plan: PlanDocument | null;
}) {
  const { ttftMs, singleTtftMs, decodeTokensPerSecond, completionTokens, cachedTokens, promptTokens } =
    record;
  const predictedMs = record.predictedTtftMs ?? (ttftMs === null ? (plan?.predictedTtftMs ?? null) : null);
  return (
    <dl class="figures">
      <Figure name="First token" label="measured" value={formatMsOrNone(ttftMs)} isMain>
        {ttftMs !== null && predictedMs !== null && formatDifference(ttftMs, predictedMs)}
      </Figure>
      <Figure name="First token" label="predicted" value={formatMsOrNone(predictedMs)} />
      <Figure name="One worker alone" label="predicted" value={formatMsOrNone(singleTtftMs)}>
        {ttftMs !== null && singleTtftMs !== null && `measured ${formatSpeedup(singleTtftMs, ttftMs)}`}
      </Figure>
      <Figure name="Decoding" label="measured" value={formatTokenRate(decodeTokensPerSecond)}>
        {completionTokens > 0 && `${formatCount(completionTokens)} new tokens`}
      </Figure>
      <Figure name="Queue" label="measured" value={formatMsOrNone(record.queueMs)} />
      <Figure name="Prompt tokens" label="" value={promptTokens > 0 ? formatCount(promptTokens) : NO_FIGURE}>
        {cachedTokens > 0 && `${formatCount(cachedTokens)} of them cached`}
      </Figure>
    </dl>
  );
}
