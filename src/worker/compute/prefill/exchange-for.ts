/**
 * The exchange of a request, by its strategy's topology.
 */
import { strategyOf } from '../../../core/strategy.js';
import type { Outbox } from '../../threads/outbox.js';
import type { ActiveRequest } from '../requests/active-request.js';
import { ChainExchange } from './chain-exchange.js';
import { type Exchange, noExchange } from './exchange.js';
import { GatherExchange } from './gather-exchange.js';

export function exchangeFor(outbox: Outbox, request: ActiveRequest): Exchange {
  switch (strategyOf(request.job.spec.strategy).topology) {
    case 'none':
      return noExchange;
    case 'chain':
      return new ChainExchange(outbox, request);
    case 'gather':
      return new GatherExchange(outbox, request);
  }
}
