/**
 * Where a config writes rotary positions: rope_theta and rope_scaling side by side, or both inside rope_parameters, for all
 * layers or for each type of layer. What is written there is read in rotary.ts.
 */
import { z } from 'zod';
import { checkJson } from '../checkpoint/json-file.js';
import { type ConfigFile, thetaSchema, unsupported } from './config-limits.js';

/** As layers name themselves in layer_types. */
export type LayerType = 'full_attention' | 'sliding_attention';

const parametersSchema = z.looseObject({
  rope_type: z.string().max(64).nullish(),
  type: z.string().max(64).nullish(),
  rope_theta: thetaSchema.nullish(),
});
export type RotaryParameters = {
  /** The key that they stand under, for messages. */
  readonly key: string;
  readonly written: z.infer<typeof parametersSchema>;
};

const NONE: RotaryParameters = { key: 'rope_scaling', written: {} };

const SHARE = 'partial_rotary_factor';
const holdersSchema = z.looseObject({
  rope_parameters: z.looseObject({}).nullish(),
  rope_scaling: z.looseObject({}).nullish(),
});

/** The config with the share of a head that is turned where families read it, whichever way it is written. */
export function withRotaryShare(json: object): object {
  const holders = holdersSchema.safeParse(json).data;
  const share = holders?.rope_parameters?.[SHARE] ?? holders?.rope_scaling?.[SHARE];
  return share === undefined || share === null ? json : { ...json, [SHARE]: share };
}

/**
 * @param layerType of a family that may have other positions for each type of layer; undefined for all others
 * @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL
 */
export function rotaryParameters(file: ConfigFile, layerType: LayerType | undefined): RotaryParameters {
  const { rope_parameters: inner, rope_scaling: beside } = checkJson(holdersSchema, file.json, file.path);
  if (inner === null || inner === undefined) return parametersAt(file, 'rope_scaling', beside);
  if (!isByType(inner)) return parametersAt(file, 'rope_parameters', inner);
  if (layerType === undefined)
    throw unsupported(
      file.path,
      `rope_parameters ${Object.keys(inner).join(', ').slice(0, 60)} in this family`,
      'rope_parameters of all layers',
    );
  // A type that is not written has what the keys beside it say.
  if (inner[layerType] === undefined) return parametersAt(file, 'rope_scaling', beside);
  return parametersAt(file, `rope_parameters.${layerType}`, inner[layerType]);
}

function isByType(inner: Record<string, unknown>): boolean {
  return Object.hasOwn(inner, 'full_attention') || Object.hasOwn(inner, 'sliding_attention');
}

function parametersAt(file: ConfigFile, key: string, json: unknown): RotaryParameters {
  if (json === null || json === undefined) return NONE;
  const written = checkPart(parametersSchema, key, json, file.path);
  refuseComputing(key, written, file.path);
  return { key, written };
}

/** Checks a part of a config so that messages name the whole key. @throws BAD_CHECKPOINT */
export function checkPart<T>(schema: z.ZodType<T>, key: string, json: unknown, path: string): T {
  return checkJson(z.object({ [key]: schema }), { [key]: json }, path)[key] as T;
}

/** Parameters that are known in the field and change angles or scores, with the values that change nothing. */
const COMPUTING: Readonly<Record<string, readonly unknown[]>> = {
  alpha: [],
  attn_factor: [1],
  extrapolation_factor: [1],
  llama_4_scaling_beta: [0],
  long_mscale: [],
  short_mscale: [],
};

function refuseComputing(key: string, written: Record<string, unknown>, path: string): void {
  for (const [name, neutral] of Object.entries(COMPUTING)) {
    const value = written[name];
    if (value === null || value === undefined || neutral.includes(value)) continue;
    const allowed = neutral.length === 0 ? 'null' : neutral.join(' or ');
    throw unsupported(path, `${key}.${name} ${JSON.stringify(value)}`, `${name} ${allowed}`);
  }
  // Of one type of layer alone no family turns another share.
  const share = key.includes('.') ? written[SHARE] : undefined;
  if (share !== undefined && share !== null && share !== 1)
    throw unsupported(path, `${key}.${SHARE} ${JSON.stringify(share)}`, `${SHARE} 1 there`);
}
