/**
 * `kvr simulate`: every strategy on a described cluster, and the paper's cases beside the simulator's.
 * Starts nothing and measures nothing: all figures are simulated.
 */
import { setImmediate } from 'node:timers/promises';
import { Argument } from 'commander';
import { KvrError } from '../../core/errors.js';
import { PAPER_A100, PAPER_CASES, PAPER_NOISE, type PaperRow, rowOf } from '../../simulate/index.js';
import type { Command } from '../run/command.js';
import { runContext, type RunContext } from '../run/engine-run.js';
import { shown } from '../terminal/numbers.js';
import type { Shell } from '../terminal/shell.js';
import { checkPaperFlags, type SimulateFlags, simulateFlags } from './simulate-flags.js';
import { cellsOf, type SimulationPlan, type SimulationRow, simulationRows } from './simulate-rows.js';
import { paperTable, residualsOf } from './paper-table.js';
import { simulationTable } from './simulate-table.js';
import { planOf } from './simulation-plan.js';

const EPILOGUE = `Strategies: single, tsp-dense (the paper's baseline), tsp (without the masked half), ring, ring-zigzag, pipeline (chunked,
ranks share the layers), kvr-e (even slices), kvr-s (searched), kvr-p (looked up in a table of other lengths), kvr (exact
balance, may leave workers out).

"kvr simulate paper" prints the paper's cases beside the simulator's, all on one fitted profile, with the differences. It
takes about half a minute.

--json prints { "rows": [ { "case", "published", "simulated", "difference", … } ], "label", "unit" }. Here "simulated" is
milliseconds to the first token, and rows have "strategy", "workers", "contextTokens", "speedupOverSingle",
"speedupOverTspDense", "speedupOverTsp", "attentionShare", "trafficBytes", "partition" too; for the paper all three
figures are ratios, "difference" is simulated/published − 1, and "residuals" and "profile" come with them.

Examples:
  kvr simulate --workers 2,4,8 --context 4k,16k
  kvr simulate --model falcon-7b --profile cpu --link 1Gbit --latency 1ms --strategies single,tsp,kvr
  kvr simulate --workers 1024 --context 1M --strategies tsp,ring-zigzag,kvr
  kvr simulate paper`;

export const simulateCommand: Command<SimulateFlags> = {
  argument: () => new Argument('[what]', '"paper" for the paper’s cases; a described cluster unless given'),
  flags: simulateFlags,
  epilogue: EPILOGUE,
  run: runSimulate,
};

async function runSimulate(flags: SimulateFlags, what: string | undefined, shell: Shell): Promise<void> {
  const context = runContext(shell, flags);
  if (what === undefined) return simulateCluster(planOf(flags), flags, context);
  if (what !== 'paper')
    throw new KvrError(
      'BAD_INPUT',
      `there is nothing called ${shown(what)} to simulate; give paper, or leave it out`,
    );
  checkPaperFlags(flags);
  return simulateCases(flags, context);
}

async function simulateCluster(
  plan: SimulationPlan,
  { json }: SimulateFlags,
  context: RunContext,
): Promise<void> {
  const rows: SimulationRow[] = await collect(simulationRows(plan), cellsOf(plan).length, context);
  const { modelName: model, cluster, policy } = plan;
  const { stdout } = context.shell;
  const document = { label: 'simulated', unit: 'ms', model, cluster, policy: jsonPolicy(policy), rows };
  stdout.write(json ? `${JSON.stringify(document)}\n` : simulationTable(plan, rows, stdout.columns));
}

async function simulateCases({ json }: SimulateFlags, context: RunContext): Promise<void> {
  const rows: PaperRow[] = await collect(paperRows(), PAPER_CASES.length, context);
  const { stdout } = context.shell;
  const profile = { device: PAPER_A100, noise: PAPER_NOISE };
  const document = { label: 'simulated', unit: 'ratio', rows, residuals: residualsOf(rows), profile };
  stdout.write(json ? `${JSON.stringify(document)}\n` : paperTable(rows, PAPER_A100, stdout.columns));
}

function* paperRows(): Generator<PaperRow> {
  for (const one of PAPER_CASES) yield rowOf(one);
}

/** Between rows the process handles signals, so that it can be interrupted. @throws CANCELLED */
async function collect<T extends { readonly case: string }>(
  rows: Generator<T>,
  count: number,
  { shell, progress }: RunContext,
): Promise<T[]> {
  const done: T[] = [];
  try {
    progress.update('simulating', 0);
    for (const row of rows) {
      done.push(row);
      progress.update('simulating', done.length / count);
      await setImmediate();
      if (shell.signal.aborted) throw new KvrError('CANCELLED', 'the simulation was interrupted');
    }
    return done;
  } finally {
    progress.clear();
  }
}

/** JSON has no infinity, which means that a whole slice is one chunk or frame: it becomes null. */
function jsonPolicy({ chunkTokens, frameBytes, ...rest }: SimulationPlan['policy']): object {
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return { ...rest, chunkTokens: finite(chunkTokens), frameBytes: finite(frameBytes) };
}
