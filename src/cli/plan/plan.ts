/**
 * `kvr plan`: how a context would be cut, how long every rank would take and what limits it; for the workers at hand,
 * or for more of them over a described link. Also builds KVR-P's table (--table) and searches over real runs (--measure).
 */
import type { EngineOptions } from '../../engine/options/options.js';
import type { Command } from '../run/command.js';
import { runContext, withEngine } from '../run/engine-run.js';
import { engineOptions } from '../flags/index.js';
import { checkContext, checkFlags } from './plan-checks.js';
import { engineFlags, type PlanFlags, planFlags } from './plan-flags.js';
import { showForecast } from './plan-forecast.js';
import { runSearch } from './plan-search.js';
import type { Shell } from '../terminal/shell.js';

export const plan: Command<PlanFlags> = {
  flags: planFlags,
  epilogue: `All times are predicted from a short measurement of the workers and links, which is kept in the cache folder; with
--measure they are medians of real runs. With --link only one worker runs and is measured; the others are computed from it.

--json prints { "label", "model", "contextTokens", "dtype", "kvDtype", "threads", "workers", "partition", "predictedTtftMs",
"singleTtftMs", "gain", "ranks": [ { "rank", "worker", "slice", "predictedMs", "computeMs", "attentionMs", "waitMs",
"sendMs", "limit" } ], "dropped", "preference", "decodeTokenMs", "orderReason", "planningMs" }; with --table or --measure { "label", "model", "dtype", "kvDtype", "threads",
"table", "entries": [ { "contextTokens", "workers", "partition", "ttftMs" } ] }.

The order of ranks is part of the plan: of up to 6 workers all orders are weighed, of more the likely ones. The last rank
decodes: the plan weighs the answer's --max-tokens where --prefer says so, at what a token costs there by the same
measurement, and --decode-on names that worker. "order" says why.

Examples:
  kvr plan --model quote --workers 2 --context 4k
  kvr plan --model synthetic:llama-7b,layers=4 --workers 8 --link 10Gbit --latency 50us --context 16k
  kvr plan --model quote --workers 2 --table 512,1k,2k,4k`,
  run: runPlan,
};

async function runPlan(flags: PlanFlags, _argument: string | undefined, shell: Shell): Promise<void> {
  checkFlags(flags);
  const context = runContext(shell, flags);
  const options: EngineOptions = {
    ...engineOptions(engineFlags(flags)),
    ...(flags.fresh && { calibrate: 'fresh' }),
  };
  await withEngine(options, context, async (engine) => {
    checkContext(flags, engine);
    if (flags.table || flags.measure) return runSearch(engine, flags, context);
    return showForecast(engine, flags, context);
  });
}
