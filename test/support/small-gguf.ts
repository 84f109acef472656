/**
 * A small sound GGUF model of the llama architecture, to be changed by tests: one layer, a SentencePiece-like vocabulary.
 */
import { seededRandom } from '../reference/random.js';
import type { GgufContent, GgufTensor, GgufValue } from './gguf-writer.js';

export const SMALL = {
  hidden: 32,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  feedForward: 64,
  vocabulary: 12,
} as const;

const TOKENS = ['<unk>', '<s>', '</s>', '<0x0A>', '▁', 'a', 'b', '▁a', 'ab', '▁ab', 'c', '▁c'];

export function smallKeys(): Record<string, GgufValue> {
  return {
    'general.architecture': 'llama',
    'general.alignment': 32,
    'llama.context_length': 128,
    'llama.embedding_length': SMALL.hidden,
    'llama.block_count': 1,
    'llama.feed_forward_length': SMALL.feedForward,
    'llama.attention.head_count': SMALL.heads,
    'llama.attention.head_count_kv': SMALL.kvHeads,
    'llama.attention.layer_norm_rms_epsilon': 0.00001,
    'llama.rope.freq_base': 10_000,
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': TOKENS,
    'tokenizer.ggml.token_type': [2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1],
    'tokenizer.ggml.scores': [0, 0, 0, 0, -1, -2, -3, -0.5, -0.75, -0.25, -4, -5],
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
    'tokenizer.ggml.unknown_token_id': 0,
    'tokenizer.chat_template': '{% for m in messages %}{{ m.content }}{% endfor %}',
  };
}

export function smallTensors(): GgufTensor[] {
  const random = seededRandom(1);
  const tensor = (name: string, ...shape: number[]): GgufTensor => {
    const values = shape.reduce((product, size) => product * size, 1);
    return { name, shape, data: Float32Array.from({ length: values }, () => random.normal() / 6) };
  };
  const { hidden, heads, kvHeads, headDim, feedForward, vocabulary } = SMALL;
  return [
    tensor('token_embd.weight', vocabulary, hidden),
    tensor('blk.0.attn_norm.weight', hidden),
    tensor('blk.0.attn_q.weight', heads * headDim, hidden),
    tensor('blk.0.attn_k.weight', kvHeads * headDim, hidden),
    tensor('blk.0.attn_v.weight', kvHeads * headDim, hidden),
    tensor('blk.0.attn_output.weight', hidden, heads * headDim),
    tensor('blk.0.ffn_norm.weight', hidden),
    tensor('blk.0.ffn_gate.weight', feedForward, hidden),
    tensor('blk.0.ffn_up.weight', feedForward, hidden),
    tensor('blk.0.ffn_down.weight', hidden, feedForward),
    tensor('output_norm.weight', hidden),
  ];
}

export function smallGguf(
  keys: Readonly<Record<string, GgufValue | undefined>> = {},
  change: (tensors: GgufTensor[]) => GgufTensor[] = (tensors) => tensors,
): GgufContent {
  const all = Object.entries({ ...smallKeys(), ...keys }).filter(([, value]) => value !== undefined);
  return { keys: Object.fromEntries(all) as Record<string, GgufValue>, tensors: change(smallTensors()) };
}
