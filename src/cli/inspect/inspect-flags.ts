/**
 * The flags of `kvr inspect`.
 */
import { Option } from 'commander';
import { z } from 'zod';
import {
  machineFlags,
  type ModelFlags,
  modelFlag,
  numberFlag,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';
import { MAX_REQUESTS } from '../../worker/protocol/index.js';
import { DEFAULT_CONTEXT_TOKENS, DEFAULT_NEW_TOKENS } from './inspect-defaults.js';
import { DEFAULT_WINDOW_TOKENS } from './inspect-quality.js';

export type InspectFlags = Omit<ModelFlags, 'kvMemory' | 'calibrate'> &
  OutputFlags & {
    readonly context?: number;
    readonly maxTokens?: number;
    readonly running?: number;
    readonly quality?: string;
  };

const tokensSchema = z.number().int().min(1).max(1_048_576);
/** Of the flags that commands share, those that change what a worker needs. */
const MACHINE_FLAGS = [
  'workers',
  'threads',
  'decode-threads',
  'dtype',
  'kv-dtype',
  'cache-dir',
  'chunk-tokens',
];

export const inspectFlags = (): Option[] => [
  modelFlag(),
  numberFlag(
    '-c, --context <N>',
    `prompt tokens that memory is predicted for; the model's context, but at most ${DEFAULT_CONTEXT_TOKENS}, unless given`,
    tokensSchema,
  ),
  numberFlag(
    '-n, --max-tokens <N>',
    `new tokens after the prompt, which only the last worker keeps; ${DEFAULT_NEW_TOKENS} unless given`,
    tokensSchema,
  ),
  numberFlag(
    '--running <N>',
    'such requests at once that memory is predicted for; 1 unless given',
    z.number().int().min(1).max(MAX_REQUESTS),
  ),
  new Option(
    '--quality <TEXTFILE>',
    `measure on this UTF-8 text how far each dtype is from f32, in windows of --context tokens (${DEFAULT_WINDOW_TOKENS} unless given); with --dtype or --kv-dtype only that one`,
  ),
  ...machineFlags().filter((option) => MACHINE_FLAGS.includes(option.name())),
  ...outputFlags(),
];
