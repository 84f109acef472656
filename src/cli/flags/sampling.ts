/**
 * How an answer is written: its length, how its tokens are chosen, where it ends.
 */
import { Option } from 'commander';
import { samplingSchema } from '../../core/sampling.js';
import { requestSchema } from '../../engine/options/request.js';
import { notEmpty, numberFlag } from './kinds.js';

export type SamplingFlags = {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: string[];
};

const shape = { ...requestSchema.shape, ...samplingSchema.shape };

export const samplingFlags = (): Option[] => [
  numberFlag('-n, --max-tokens <N>', 'new tokens at most; 256 unless given', shape.maxTokens),
  numberFlag(
    '--temperature <T>',
    'randomness; 0 is always the likeliest token; as the checkpoint says, or 0, unless given',
    shape.temperature,
  ),
  numberFlag('--top-k <K>', 'draw from the K likeliest tokens; 0 is off', shape.topK),
  numberFlag(
    '--top-p <P>',
    'draw from the likeliest tokens that reach this probability; 1 is off',
    shape.topP,
  ),
  numberFlag('--min-p <P>', 'leave out tokens less likely than P times the likeliest; 0 is off', shape.minP),
  numberFlag(
    '--repetition-penalty <R>',
    'make tokens seen before less likely; 1 is off',
    shape.repetitionPenalty,
  ),
  numberFlag('--seed <N>', 'same seed, same text; 0 unless given', shape.seed),
  new Option('--stop <TEXT>', 'end before this text; can be given more than once').argParser(
    (value: string, before: string[] | undefined) => [...(before ?? []), notEmpty('--stop', value)],
  ),
];
