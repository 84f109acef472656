/**
 * The planner: workers and links that are only thought of, and how the context would be cut for them.
 */
import { formatContext, formatGain, formatMs } from '../format/figures.js';
import { Figure } from '../chain/chain-figures.js';
import type { PlanDocument } from '../../core/documents/plan-document.js';
import { info } from '../state/store.js';
import { byWorkers, forecast, forecastFailure, isForecasting, question } from './forecast-state.js';
import { PartitionBar } from './partition-bar.js';
import { PlanTable } from './plan-table.js';
import { Slider } from './slider.js';
import { contextStops, LATENCIES, LINKS, stopAt, WORKERS } from './stops.js';
import { WorkersChart } from './workers-chart.js';

export function PlannerCard() {
  const plan = forecast.value;
  return (
    <section class="card" id="planner" aria-labelledby="planner-title" tabIndex={-1}>
      <div class="card-head">
        <h2 id="planner-title">Planner</h2>
        <p class="subject">
          <span class="label predicted">predicted</span> for equal workers, each as fast as the first one here
        </p>
      </div>
      <Sliders />
      {forecastFailure.value !== null && <p class="failure">{forecastFailure.value}</p>}
      {plan && (
        <div class={isForecasting.value ? 'forecast stale' : 'forecast'} aria-busy={isForecasting.value}>
          <Forecast plan={plan} />
        </div>
      )}
    </section>
  );
}

function Sliders() {
  const { workers, link, latency, contextTokens } = question.value;
  const contexts = contextStops(info.value?.model.contextTokens ?? contextTokens);
  const change = (fields: Partial<typeof question.value>): void => {
    question.value = { ...question.value, ...fields };
  };
  return (
    <div class="sliders">
      <Slider name="Workers" stops={WORKERS} at={workers - 1} onMove={(at) => change({ workers: at + 1 })} />
      <Slider
        name="Context"
        stops={contexts}
        at={stopAt(contexts, contextTokens)}
        onMove={(at) => change({ contextTokens: contexts[at]?.value ?? contextTokens })}
      />
      <Slider name="Link speed" stops={LINKS} at={link} onMove={(at) => change({ link: at })} />
      <Slider name="Link latency" stops={LATENCIES} at={latency} onMove={(at) => change({ latency: at })} />
    </div>
  );
}

function Forecast({ plan }: { readonly plan: PlanDocument }) {
  const { predictedTtftMs, singleTtftMs, gain, workers, contextTokens } = plan;
  return (
    <>
      <dl class="figures">
        <Figure name="First token" label="predicted" value={formatMs(predictedTtftMs)} isMain>
          for {formatContext(contextTokens)} tokens
        </Figure>
        <Figure name="One worker alone" label="predicted" value={formatMs(singleTtftMs)} />
        <Figure name="Gain" label="predicted" value={formatGain(gain)}>
          {workers === 1 ? 'one worker is used' : `${workers} workers are used`}
        </Figure>
      </dl>
      <PartitionBar plan={plan} />
      <PlanTable plan={plan} />
      <Dropped plan={plan} />
      {byWorkers.value.length > 0 && <WorkersChart times={byWorkers.value} chosen={question.value.workers} />}
    </>
  );
}

/** Workers are told by number from one, as the slider counts them. */
function Dropped({ plan: { dropped } }: { readonly plan: PlanDocument }) {
  const [first] = dropped;
  if (!first) return null;
  const names = dropped.map(({ worker }) => worker).join(', ');
  return (
    <p class="dropped">
      {dropped.length === 1 ? `Worker ${names} is left out` : `Workers ${names} are left out`}: {first.reason}
      .
    </p>
  );
}
