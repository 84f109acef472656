/**
 * `kvr serve`: an OpenAI-compatible server, and a page that shows the chain, until it is interrupted.
 */
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import { requestSchema } from '../../engine/options/request.js';
import { isLoopback } from '../../link/address.js';
import {
  DEFAULT_DEADLINE_MS,
  DEFAULT_DRAIN_MS,
  DEFAULT_MAX_BODY_BYTES,
  DEFAULT_MAX_TOKENS,
  DEFAULT_PORT,
  HEADERS_TIMEOUT_MS,
  KvrServer,
  LOG_LEVELS,
  type LogLevel,
  openLog,
  REQUEST_TIMEOUT_MS,
  type ServerSettings,
} from '../../server/index.js';
import type { Command } from '../run/command.js';
import { runContext, threadsOf, withEngine } from '../run/engine-run.js';
import {
  choiceFlag,
  engineOptions,
  machineFlags,
  type ModelFlags,
  modelFlag,
  notEmpty,
  numberFlag,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';
import { formatPlural } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';
import { packageVersion } from '../terminal/version.js';

type Flags = ModelFlags & OutputFlags & OwnFlags;
type OwnFlags = {
  readonly host?: string;
  readonly port?: number;
  readonly apiKey?: string;
  /** False where --no-auth is given. */
  readonly auth: boolean;
  readonly cors?: string[];
  readonly maxTokens?: number;
  /** Seconds. */
  readonly deadline?: number;
  /** Seconds. */
  readonly drain?: number;
  /** Megabytes. */
  readonly maxBody?: number;
  readonly logLevel?: LogLevel;
  readonly logPrompts?: true;
};

const DEFAULT_HOST = '127.0.0.1';
const MIN_KEY_CHARS = 8;
const BYTES_PER_MB = 1e6;

const portSchema = z.number().int().min(0).max(65_535);
const deadlineSchema = z.number().min(0.001).max(86_400);
const drainSchema = z.number().min(0).max(3600);
const bodySchema = z.number().min(0.001).max(64);

export const serve: Command<Flags> = {
  name: 'serve',
  summary: 'an OpenAI-compatible server, and a page that shows the chain',
  flags: () => [
    modelFlag(),
    new Option('--host <HOST>', `where to listen; ${DEFAULT_HOST} unless given`).argParser((text) =>
      notEmpty('--host', text),
    ),
    numberFlag('-p, --port <N>', `port; 0 takes a free one; ${DEFAULT_PORT} unless given`, portSchema),
    new Option(
      '--api-key <KEY>',
      `what clients must send as "Authorization: Bearer KEY"; better given as KVR_API_KEY, which other users of the machine can not see; at least ${MIN_KEY_CHARS} characters`,
    ).argParser((text) => notEmpty('--api-key', text)),
    new Option('--no-auth', 'listen beyond this machine although everybody there may then use the model'),
    new Option(
      '--cors <ORIGIN>',
      'let pages of this origin read answers, as in https://example.org or "*"; can be given more than once',
    ).argParser((value: string, before: string[] | undefined) => [
      ...(before ?? []),
      notEmpty('--cors', value),
    ]),
    ...machineFlags(),
    numberFlag(
      '-n, --max-tokens <N>',
      `new tokens of a chat's answer that asks for no number; ${DEFAULT_MAX_TOKENS} unless given`,
      requestSchema.shape.maxTokens,
    ),
    numberFlag(
      '--deadline <SECONDS>',
      `longest a request may take; ${DEFAULT_DEADLINE_MS / 1000} unless given`,
      deadlineSchema,
    ),
    numberFlag(
      '--drain <SECONDS>',
      `how long running requests may go on after an interrupt; ${DEFAULT_DRAIN_MS / 1000} unless given`,
      drainSchema,
    ),
    numberFlag(
      '--max-body <MB>',
      `largest request; ${(DEFAULT_MAX_BODY_BYTES / BYTES_PER_MB).toFixed(1)} unless given`,
      bodySchema,
    ),
    choiceFlag(
      '--log-level <LEVEL>',
      'what is logged to stderr, as JSON lines; info unless given',
      LOG_LEVELS,
    ),
    new Option('--log-prompts', 'log the text of prompts too'),
    ...outputFlags(),
  ],
  epilogue: `Serves POST /v1/chat/completions and /v1/completions, whole or as a stream, GET /v1/models, /healthz, /readyz and /metrics
(Prometheus), and a page at /. A parameter that is not honoured is refused by name. Beside OpenAI's own there are top_k, min_p and
repetition_penalty; n makes as many answers of seeds seed, seed + 1, …

response_format json_object and json_schema hold the answer to it; a keyword of a schema that is not supported is refused by name.
tools need a chat template that knows them; calls that tool_choice asks for, and those of strict functions, fit their parameters.
beside response_format, an answer is calls, or text in that format.

While a prompt is read, a stream carries comments ": prefill 0.42" twice a second; with the header x-kvr-progress: event
they are events named kvr.prefill. An answer that is not streamed begins with spaces, which JSON allows, once it takes
more than ten seconds. The header x-kvr-deadline-ms gives a request less time than --deadline.

Prints one line, or with --json { "url", "model", "workers", "threads", "pid" }, once it listens, and works until it is
interrupted: then it takes no more, gives what runs the time of --drain, and ends.

Examples:
  kvr serve --model quote --workers 2
  KVR_API_KEY=… kvr serve --model ./my-chat-model --host 0.0.0.0 --workers 4
  curl http://127.0.0.1:${DEFAULT_PORT}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"messages":[{"role":"user","content":"The key is 77. The key is"}]}'`,
  run: runServe,
};

async function runServe(flags: Flags, _argument: string | undefined, shell: Shell): Promise<void> {
  const settings = settingsOf(flags, process.env['KVR_API_KEY']);
  checkReach(settings, flags);
  const log = openLog(flags.logLevel ?? (flags.quiet ? 'error' : 'info'), {
    write: (line) => shell.stderr.write(line),
  });
  await withEngine(engineOptions(flags), runContext(shell, flags), async (engine) => {
    const server = await KvrServer.start(engine, settings, log);
    shell.stdout.write(
      flags.json ? `${JSON.stringify(document(server, engine))}\n` : greeting(server, engine),
    );
    await aborted(shell.signal);
    await server.close();
  });
}

/** @throws BAD_INPUT */
function settingsOf(flags: Flags, environmentKey: string | undefined): ServerSettings {
  const apiKey = flags.apiKey ?? (environmentKey === '' ? undefined : environmentKey);
  if (apiKey !== undefined && (apiKey.length < MIN_KEY_CHARS || /[^\x21-\x7e]/.test(apiKey))) {
    const message = `the API key must be at least ${MIN_KEY_CHARS} visible characters of ASCII; give a longer one, as "openssl rand -hex 16" prints`;
    throw new KvrError('BAD_INPUT', message);
  }
  const { deadline, drain, maxBody } = flags;
  return {
    host: flags.host ?? DEFAULT_HOST,
    port: flags.port ?? DEFAULT_PORT,
    apiKey,
    corsOrigins: flags.cors ?? [],
    deadlineMs: deadline === undefined ? DEFAULT_DEADLINE_MS : Math.ceil(1000 * deadline),
    drainMs: drain === undefined ? DEFAULT_DRAIN_MS : 1000 * drain,
    maxBodyBytes: maxBody === undefined ? DEFAULT_MAX_BODY_BYTES : Math.floor(BYTES_PER_MB * maxBody),
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    defaultMaxTokens: flags.maxTokens ?? DEFAULT_MAX_TOKENS,
    logPrompts: flags.logPrompts === true,
    pageFolder: fileURLToPath(new URL('../../web', import.meta.url)),
    version: packageVersion(),
  };
}

/** @throws BAD_INPUT where others can reach the server and nobody said who may use it */
function checkReach({ host, apiKey }: ServerSettings, { auth }: Flags): void {
  if (!auth && apiKey !== undefined)
    throw new KvrError('BAD_INPUT', '--no-auth and an API key contradict each other; give one of them');
  if (isLoopback(host) || apiKey !== undefined || !auth) return;
  throw new KvrError(
    'BAD_INPUT',
    `--host ${host} can be reached from other machines; give --api-key or KVR_API_KEY, or --no-auth on a network you trust`,
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function greeting(server: KvrServer, engine: Engine): string {
  const { model, workers } = engine;
  const chain = `${formatPlural(workers.length, 'worker')} × ${formatPlural(threadsOf(engine), 'thread')}`;
  return `kvr serves ${model.name} on ${chain} at ${server.url} (page) and ${server.url}/v1 (API)\n`;
}

function document(server: KvrServer, engine: Engine): unknown {
  const { model, workers } = engine;
  const threads = threadsOf(engine);
  return { url: server.url, model: model.name, workers: workers.length, threads, pid: process.pid };
}
