/**
 * A bench as the command line that repeats it. Pure.
 */
import type { BenchFlags } from './bench-flags.js';
import { DEFAULTS } from './bench-options.js';
import { commandLine } from './document/bench-document.js';

/** Every default is written out; --report and --cache-dir are left out, since they change no figure. */
export function repeatCommand(flags: BenchFlags): string {
  const { model, threads, dtype, kvDtype, chunkTokens, kvMemory, singleThreads, emulate } = flags;
  const given = { ...DEFAULTS, ...flags };
  const clusters = (emulate ?? []).flatMap(({ workers, link }) => [
    '--emulate',
    `workers=${workers},link=${(8 * link.bytesPerS) / 1e9}Gbit,latency=${link.latencyMs}ms`,
  ]);
  const optional = {
    threads,
    'single-threads': singleThreads,
    dtype,
    'kv-dtype': kvDtype,
    'chunk-tokens': chunkTokens,
    'kv-memory': kvMemory,
  };
  return commandLine([
    ...['kvr', 'bench', '--model', model],
    ...['--strategies', given.strategies.join(), '--context', given.context.join()],
    ...(emulate ? clusters : ['--workers', given.workers.join()]),
    ...Object.entries(optional).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    ),
    ...['--repeats', String(given.repeats), '--seed', String(given.seed)],
  ]);
}
