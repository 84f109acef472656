/**
 * Every family that runs, as small models of odd sizes drawn at random, beside what an independent pass makes of them.
 */
import type { Random } from '../random.js';
import type { Drawn } from './drawn-model.js';
import { gptOss, mixtral, qwen3Moe } from './experts.js';
import { gemma, gemma2, gemma3 } from './gemma.js';
import { granite, llama, mistral, olmo2, phi3, qwen2, qwen3, smollm3 } from './llama-like.js';
import { cohere, cohere2, falcon, glm4, gptNeox, phi, stablelm, starcoder2 } from './side-by-side.js';

export { type DrawnModel, drawnModel } from './drawn-model.js';

export const DRAWN_FAMILIES: Readonly<Record<string, (random: Random) => Drawn>> = {
  llama,
  mistral,
  mixtral,
  qwen2,
  qwen3,
  qwen3_moe: qwen3Moe,
  gemma,
  gemma2,
  gemma3_text: gemma3,
  phi,
  phi3,
  olmo2,
  smollm3,
  granite,
  gpt_oss: gptOss,
  cohere,
  cohere2,
  falcon,
  gpt_neox: gptNeox,
  glm4,
  stablelm,
  starcoder2,
};
