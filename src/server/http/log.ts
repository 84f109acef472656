/**
 * The log: JSON lines, one a request, once its answer has left or its client has. No text of prompts or answers
 * unless that was asked for, and no keys ever: headers are not logged.
 */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { HttpContext } from './context.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function openLog(level: LogLevel, output: DestinationStream): Logger {
  return pino({ name: 'kvr', level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, output);
}

/** Paths that monitoring asks for every few seconds: logged at level debug. */
const QUIET_PATHS = ['/healthz', '/readyz', '/metrics'];
const MAX_PATH_CHARS = 200;

export function logWhenOver(c: HttpContext, log: Logger): void {
  const { incoming, outgoing } = c.env;
  const startMs = performance.now();
  outgoing.once('close', () => {
    const { statusCode, writableFinished } = outgoing;
    const line = {
      request: c.var.id,
      method: incoming.method,
      path: c.req.path.slice(0, MAX_PATH_CHARS),
      status: statusCode,
      ms: Math.round(performance.now() - startMs),
      ...(!writableFinished && { cutOff: true }),
      ...c.var.facts,
    };
    if (statusCode >= 500) log.error(line, 'request');
    else if (QUIET_PATHS.includes(c.req.path)) log.debug(line, 'request');
    else log.info(line, 'request');
  });
}
