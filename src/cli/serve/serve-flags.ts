/**
 * The flags of `kvr serve`.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { DEFAULT_RUNNING, engineOptionsSchema, MAX_WAITING } from '../../engine/options/options.js';
import { requestSchema } from '../../engine/options/request.js';
import {
  DEFAULT_DEADLINE_MS,
  DEFAULT_DRAIN_MS,
  DEFAULT_MAX_BODY_BYTES,
  DEFAULT_PORT,
  LOG_LEVELS,
  type LogLevel,
} from '../../server/index.js';
import { type Address, parseAddress } from '../../link/address.js';
import {
  choiceFlag,
  listFlag,
  machineFlags,
  type ModelFlags,
  modelFlag,
  notEmpty,
  numberFlag,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';

export type ServeFlags = ModelFlags & OutputFlags & OwnFlags;
type OwnFlags = {
  readonly listenWorkers?: Address;
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
  readonly maxRunning?: number;
  readonly maxWaiting?: number;
  readonly logLevel?: LogLevel;
  readonly logPrompts?: true;
  readonly strict?: true;
  readonly strictModel?: true;
  readonly alias?: string[];
  readonly allowedHosts?: string[];
};

export const DEFAULT_HOST = '127.0.0.1';
/** Of an API key. */
export const MIN_KEY_CHARS = 8;
export const BYTES_PER_MB = 1e6;

const portSchema = z.number().int().min(0).max(65_535);
const deadlineSchema = z.number().min(0.001).max(86_400);
const drainSchema = z.number().min(0).max(3600);
const bodySchema = z.number().min(0.001).max(64);

export const serveFlags = (): Option[] => [
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
  listFlag('--cors <ORIGIN>', 'let pages of this origin read answers, as in https://example.org or "*"'),
  listFlag('--allowed-hosts <NAME>', 'answer to this name too, though only this machine is listened to'),
  new Option('--strict', 'refuse fields that say nothing about the answer, instead of ignoring them by name'),
  new Option(
    '--strict-model',
    'refuse requests for a model of another name; else the one model answers to any',
  ),
  listFlag('--alias <NAME>', 'call the model so, instead of by its folder or its name on the hub'),
  ...machineFlags(),
  new Option(
    '--listen-workers <HOST:PORT>',
    'instead of --workers: where workers of other machines join and leave as they like (kvr worker --join); port 0 takes a free one',
  ).argParser(parseAddress),
  numberFlag(
    '-n, --max-tokens <N>',
    "new tokens at most of an answer that asks for no number; unless given, the checkpoint's max_new_tokens, or as many as the context and its part of --kv-memory have room for",
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
  numberFlag(
    '--max-running <N>',
    `requests that are answered at once; ${DEFAULT_RUNNING} unless given`,
    engineOptionsSchema.shape.maxRunning.unwrap(),
  ),
  numberFlag(
    '--max-waiting <N>',
    `requests that may wait for their turn; ${MAX_WAITING} unless given`,
    engineOptionsSchema.shape.maxWaiting.unwrap(),
  ),
  choiceFlag('--log-level <LEVEL>', 'what is logged to stderr, as JSON lines; info unless given', LOG_LEVELS),
  new Option('--log-prompts', 'log the text of prompts too'),
  ...outputFlags(),
];
