/**
 * When the workers of an engine have put a cancelled request down.
 */
import type { Engine } from '../../src/index.js';

/** Begins to listen at once. @returns the times (performance.now) at which the ranks said that they dropped a request, for all ranks */
export function ranksDropped({ workers }: Engine): Promise<number[]> {
  const rankDone = ({ handle }: Engine['workers'][number]): Promise<number> =>
    new Promise((resolve) => {
      const ignore = handle.listen((message) => {
        if (message.type !== 'finished' || message.reason !== 'cancelled') return;
        ignore();
        resolve(performance.now());
      });
    });
  return Promise.all(workers.map(rankDone));
}

/** What one layer of a prompt takes each rank, about: a cancelled rank stops between two layers. */
export async function layerMsByRank(engine: Engine, promptIds: number[]): Promise<number[]> {
  const { timeline } = await engine.complete({ promptIds, maxTokens: 1, partition: 'e' });
  return timeline.map(({ totalMs }) => totalMs / engine.model.shape.layers);
}
