/**
 * What `kvr plan` refuses: flags that do not go together, before a model is loaded; lengths that the model does not take,
 * after that.
 */
import { areStartedHere } from '../../cluster/worker-source.js';
import { KvrError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import type { PlanFlags } from './plan-flags.js';

/** @throws BAD_INPUT for flags that do not go together */
export function checkFlags(flags: PlanFlags): void {
  const { link, latency, workers, table, measure, context, partition } = flags;
  const searches = table !== undefined || measure === true;
  const rules: readonly (readonly [isBroken: boolean, message: string])[] = [
    [
      link === undefined && latency !== undefined,
      '--latency is for --link; give a speed too, as in --link 10Gbit',
    ],
    [
      link !== undefined && (workers === undefined || !areStartedHere(workers)),
      '--link describes workers that do not run; give their number, as in --workers 8',
    ],
    [link !== undefined && searches, '--table and --measure are for workers that run; leave --link out'],
    [
      link !== undefined && partition === 'p',
      'partition p is looked up for workers that run; leave --link out, or give another partition',
    ],
    [
      searches && partition !== undefined,
      '--table and --measure search the partition; leave --partition out',
    ],
    [
      table !== undefined && context !== undefined,
      '--table has its own lengths; leave --context out, or give it without --table',
    ],
    [table === undefined && context === undefined, 'no context is given; give --context, as in --context 4k'],
    [
      (flags.prefer ?? flags.decodeOn ?? flags.maxTokens) !== undefined &&
        (searches || (partition ?? 'auto') !== 'auto'),
      '--prefer, --decode-on and --max-tokens are for a planned order; leave them out, or --partition, --table and --measure',
    ],
    [
      !measure && (flags.repeats ?? flags.candidates) !== undefined,
      '--repeats and --candidates are for --measure; give it too, or leave them out',
    ],
  ];
  const broken = rules.find(([isBroken]) => isBroken);
  if (broken) throw new KvrError('BAD_INPUT', broken[1]);
}

/** @throws PROMPT_TOO_LONG where the model takes fewer tokens than asked for, and one new one where they really run */
export function checkContext({ context, table, measure }: PlanFlags, { model }: Engine): void {
  const most = measure ? model.shape.contextTokens - 1 : model.shape.contextTokens;
  const tooLong = [...(table ?? []), context ?? 0].find((tokens) => tokens > most);
  if (tooLong === undefined) return;
  throw new KvrError(
    'PROMPT_TOO_LONG',
    `a context of ${tooLong} tokens is more than the model takes; give at most ${most}`,
  );
}
