/**
 * From what a request asks for to a partition over the workers at hand.
 */
import { KvrError } from '../core/errors.js';
import { evenPartition, type Partition, partitionFromSizes } from '../core/partition.js';
import type { GenerateSettings } from './options.js';

/**
 * @param workers how many the engine has
 * @throws BAD_INPUT where sizes do not add up or ask for more workers than there are
 */
export function cutContext(request: GenerateSettings, contextTokens: number, workers: number): Partition {
  const most = request.workers ?? workers;
  if (most > workers)
    throw new KvrError(
      'BAD_INPUT',
      `request asks for ${most} workers, the engine has ${workers}; start it with more`,
    );
  const { partition } = request;
  if (request.strategy === 'single') return singleSlice(partition, contextTokens);
  if (partition === undefined || partition === 'e') return evenPartition(contextTokens, most);
  if (partition.length > most) {
    throw new KvrError(
      'BAD_INPUT',
      `partition has ${partition.length} slices for ${most} workers; give at most ${most}`,
    );
  }
  return partitionFromSizes(partition, contextTokens);
}

function singleSlice(partition: GenerateSettings['partition'], contextTokens: number): Partition {
  if (Array.isArray(partition))
    throw new KvrError('BAD_INPUT', 'strategy single takes no partition; leave one of the two out');
  return evenPartition(contextTokens, 1);
}
