/**
 * What every handler shares: the engine, the settings, the record of requests, and what is still running. Made once
 * by server.ts.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { KvrError } from '../../core/errors.js';
import type { BodyBudget } from './body-budget.js';
import type { Ledger } from '../requests/ledger.js';
import type { Metrics } from '../requests/metrics.js';
import type { RunningRequests } from '../requests/running.js';
import type { ServedEngine, ServerSettings } from '../requests/settings.js';

export type ServerContext = {
  readonly engine: ServedEngine;
  readonly settings: ServerSettings;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly running: RunningRequests;
  readonly budget: BodyBudget;
  readonly log: Logger;
};

/** Facts of a request for its line in the log; never text of a prompt unless that was asked for. */
type LogFacts = Record<string, unknown>;

/** The document that tells of an error, as an API has it. */
export type ErrorBody = (error: KvrError) => unknown;

type HttpVariables = {
  id: string;
  facts: LogFacts;
  /** Of the API that the path belongs to. */
  errorBody: ErrorBody;
};
export type HttpEnv = { Bindings: HttpBindings; Variables: HttpVariables };
export type HttpContext = Context<HttpEnv>;
