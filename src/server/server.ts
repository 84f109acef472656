/**
 * The server's life: listens, serves, and ends so that every request is finished or failed within a stated time.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import type { Logger } from 'pino';
import { KvrError } from '../core/errors.js';
import { planPartition } from '../plan/index.js';
import { buildApp } from './app.js';
import { Connections } from './http/connections.js';
import { BodyBudget } from './http/body-budget.js';
import type { ServerContext } from './http/context.js';
import { restBetweenRequests } from './http/rest.js';
import { Ledger } from './requests/ledger.js';
import { Metrics } from './requests/metrics.js';
import { loadPage } from './http/page.js';
import { namedEngine, servedNames } from './model/named-engine.js';
import { RunningRequests } from './requests/running.js';
import * as limits from './requests/settings.js';

/** How often a closing server looks for connections that have fallen idle. */
const SWEEP_MS = 20;

export class KvrServer {
  readonly #http: Server;
  readonly #context: ServerContext;
  readonly #rest: NodeJS.Timeout;
  #closed: Promise<void> | undefined;

  private constructor(http: Server, context: ServerContext) {
    this.#http = http;
    this.#context = context;
    const { running, budget } = context;
    this.#rest = restBetweenRequests(() => running.count > 0 || budget.isTaken);
  }

  /** Begins to listen. The engine stays the caller's. @throws BAD_INPUT where the address can not be listened on */
  static async start(
    engine: limits.ServedEngine,
    settings: limits.ServerSettings,
    log: Logger,
  ): Promise<KvrServer> {
    const ledger = new Ledger((contextTokens) => singleTtftMs(engine, contextTokens));
    const names = await servedNames(engine, settings.aliases ?? []);
    const context: ServerContext = {
      engine: namedEngine(engine, names[0]),
      settings: { ...settings, aliases: names },
      log,
      ledger,
      metrics: new Metrics(ledger, () => engine.refusals),
      running: new RunningRequests(),
      budget: new BodyBudget(limits.MAX_BODY_BYTES_AT_ONCE),
    };
    const app = buildApp(context, await loadPage(settings.pageFolder));
    const http = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
      createServer,
      serverOptions: {
        maxHeaderSize: limits.MAX_HEADER_BYTES,
        headersTimeout: settings.headersTimeoutMs,
        requestTimeout: settings.requestTimeoutMs,
        connectionsCheckingInterval: limits.TIMEOUT_CHECK_MS,
        keepAliveTimeout: limits.KEEP_ALIVE_MS,
      },
    }) as Server;
    http.maxHeadersCount = limits.MAX_HEADERS;
    new Connections(limits.CONNECTION_LIMITS).follow(http);
    http.setTimeout(limits.IDLE_TIMEOUT_MS);
    await listen(http, settings);
    // Nobody waits for it: the first large request finds it there.
    engine.preparation.warm();
    return new KvrServer(http, context);
  }

  /** Where it listens, port included. */
  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#http.address() as AddressInfo;
    return { host: address, port };
  }

  get url(): string {
    const { host, port } = this.address;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** Takes no more, lets what runs go on for the time it was given, then ends it with CLOSED. Twice is harmless. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { running, settings, log } = this.#context;
    running.close();
    clearInterval(this.#rest);
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    log.info({ running: running.count, drainMs: settings.drainMs }, 'closing');
    await Promise.race([running.idle(), delay(settings.drainMs, undefined, { ref: false })]);
    running.abortAll();
    // What was told to end has a moment to say so; connections that clients keep open end as they fall idle.
    const sweep = setInterval(() => this.#http.closeIdleConnections(), SWEEP_MS);
    await Promise.race([closed, delay(limits.CUT_MS, undefined, { ref: false })]);
    clearInterval(sweep);
    this.#http.closeAllConnections();
    await closed;
  }
}

/** @throws BAD_INPUT */
function listen(http: Server, { host, port }: limits.ServerSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const remedy =
        error.code === 'EADDRINUSE' ? 'stop what uses it, or give another --port' : 'give another --host';
      const message = `can not listen on ${host} port ${port} (${error.code ?? error.message}); ${remedy}`;
      reject(new KvrError('BAD_INPUT', message, { host, port }, error));
    };
    http.once('error', onError);
    http.listen(port, host, () => {
      http.off('error', onError);
      resolve();
    });
  });
}

/** The plan's word for a prompt on the first worker alone. */
function singleTtftMs({ costs, model }: limits.ServedEngine, contextTokens: number): number | null {
  const [one] = costs?.knowledge.workers ?? [];
  if (!one) return null;
  return planPartition({ contextTokens, shape: model.shape, workers: [one], links: [] }).predictedTtftMs;
}
