/**
 * The server's own paths: its state, what the page reads, and figures for Prometheus.
 */
import { answerRoute } from '../http/answer-route.js';
import type { Api } from '../http/route.js';
import { errorBody } from '../openai/error-body.js';
import {
  ready,
  showInfo,
  showMachines,
  showMetrics,
  showPlan,
  showQueue,
  showRequests,
} from './info-routes.js';
import { showLive } from './live-route.js';
import { WARM } from './warm.js';

export function kvrApi(): Api {
  return {
    errorBody,
    routes: [
      { method: 'GET', path: '/healthz', handler: (c) => c.json({ status: 'ok' }), isOpen: true },
      { method: 'GET', path: '/readyz', handler: ready, isOpen: true },
      { method: 'GET', path: '/kvr/info', handler: showInfo },
      { method: 'GET', path: '/kvr/plan', handler: showPlan },
      { method: 'GET', path: '/kvr/machines', handler: showMachines },
      { method: 'GET', path: '/kvr/requests', handler: showRequests },
      { method: 'GET', path: '/kvr/queue', handler: showQueue },
      { method: 'GET', path: '/kvr/live', handler: showLive },
      answerRoute('/kvr/warm', WARM),
      { method: 'GET', path: '/metrics', handler: showMetrics },
    ],
  };
}
