/**
 * Checkpoints with answers that were computed by others. Those in test/models are part of the repository (its README says
 * what they are); more of them may lie beside the checkout, where tests that use them are skipped if they do not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const COMMITTED_MODELS = fileURLToPath(new URL('../models', import.meta.url));
const BESIDE_CHECKOUT = fileURLToPath(new URL('../../../shared/models', import.meta.url));

export type ReferenceCase = {
  readonly prompt?: string;
  /** What the model wrote. */
  readonly text?: string;
  readonly prompt_ids: number[];
  readonly output_ids: number[];
  readonly prompt_logits: number[];
};

export type ReferenceCheckpoint = {
  /** As tests are to call it, with the reason where it is not here. */
  readonly title: string;
  readonly folder: string;
  readonly isHere: boolean;
  readonly cases: readonly ReferenceCase[];
};

export function referenceCheckpoint(name: string): ReferenceCheckpoint {
  const committed = join(COMMITTED_MODELS, name);
  const folder = existsSync(committed) ? committed : join(BESIDE_CHECKOUT, name);
  const isHere = existsSync(folder);
  const title = isHere ? name : `${name} (skipped: this checkpoint is not part of the repository)`;
  return { title, folder, isHere, cases: isHere ? casesIn(folder) : [] };
}

function casesIn(folder: string): ReferenceCase[] {
  const json = readFileSync(join(folder, 'reference.json'), 'utf8');
  return (JSON.parse(json) as { cases: ReferenceCase[] }).cases;
}
