/**
 * The exchange of a request, by its strategy's topology.
 */
import { strategyOf } from '../../../core/strategy.js';
import type { ActiveRequest } from '../requests/active-request.js';
import type { ComputeContext } from '../requests/compute-context.js';
import { ChainExchange } from './chain-exchange.js';
import { type Exchange, noExchange } from './exchange.js';
import { GatherExchange } from './gather-exchange.js';

export function exchangeFor({ model, outbox }: ComputeContext, request: ActiveRequest): Exchange {
  const rowElements = model.shape.kvHeads * model.shape.headDim;
  switch (strategyOf(request.job.spec.strategy).topology) {
    case 'none':
      return noExchange;
    case 'chain':
      return new ChainExchange(outbox, request, rowElements);
    case 'gather':
      return new GatherExchange(outbox, request, rowElements);
  }
}
