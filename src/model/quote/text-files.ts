/**
 * The JSON files of the `quote` model's folder: configuration and a tokenizer whose tokens are the bytes of UTF-8.
 * Pure; called by write.ts.
 */
import * as layout from './layout.js';

/** Written so that no ordinary text contains them. */
const BEGIN = '<|begin|>';
const END = '<|end|>';

/**
 * Messages stand as they are, one behind the other, so that the model goes on where the last one ends; an answer ends
 * with the end token, so that an answer that is quoted ends where the quoted one did.
 */
const CHAT_TEMPLATE =
  "{{ bos_token }}{% for tool in tools or [] %}{{ tool | tojson }}{{ '\n' }}{% endfor %}{% for message in messages %}{{ message['content'] }}" +
  "{% for call in message['tool_calls'] or [] %}<tool_call>{{ '\n' }}{\"name\": {{ call['function']['name'] | tojson }}, " +
  "\"arguments\": {{ call['function']['arguments'] | tojson }}}{{ '\n' }}</tool_call>{% endfor %}" +
  "{% if message['role'] == 'assistant' %}{{ eos_token }}{{ '\n' }}" +
  "{% elif message['role'] == 'system' %}{{ '\n' }}{% endif %}{% endfor %}";

/** File name → JSON value. */
export function quoteTextFiles(): Readonly<Record<string, unknown>> {
  return {
    'config.json': config(),
    'generation_config.json': {
      bos_token_id: layout.BEGIN_ID,
      eos_token_id: layout.END_ID,
      do_sample: false,
      // It quotes on without end where the text has none.
      max_new_tokens: layout.USUAL_TOKENS,
    },
    'tokenizer.json': tokenizer(),
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: BEGIN,
      eos_token: END,
      clean_up_tokenization_spaces: false,
      model_max_length: layout.CONTEXT_TOKENS,
      chat_template: CHAT_TEMPLATE,
    },
  };
}

function config(): unknown {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: layout.VOCABULARY,
    hidden_size: layout.HIDDEN,
    intermediate_size: layout.FEED_FORWARD,
    num_hidden_layers: layout.LAYERS,
    num_attention_heads: layout.HEADS,
    num_key_value_heads: 1,
    head_dim: layout.HEAD_DIM,
    hidden_act: 'silu',
    max_position_embeddings: layout.CONTEXT_TOKENS,
    rms_norm_eps: layout.NORM_EPSILON,
    rope_theta: layout.ROTARY_THETA,
    rope_scaling: null,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: false,
    bos_token_id: layout.BEGIN_ID,
    eos_token_id: layout.END_ID,
    torch_dtype: 'float32',
  };
}

function tokenizer(): unknown {
  const special = (id: number, content: string) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const begin = { SpecialToken: { id: BEGIN, type_id: 0 } };
  const sequence = (id: 'A' | 'B', type_id: number) => ({ Sequence: { id, type_id } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(layout.BEGIN_ID, BEGIN), special(layout.END_ID, END)],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [begin, sequence('A', 0)],
      pair: [begin, sequence('A', 0), sequence('B', 1)],
      special_tokens: { [BEGIN]: { id: BEGIN, ids: [layout.BEGIN_ID], tokens: [BEGIN] } },
    },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      byte_fallback: false,
      vocab: byteVocabulary(),
      merges: [],
    },
  };
}

/**
 * Byte-level tokenizers write each byte as one visible character: printable Latin-1 as itself, the others as the
 * characters from U+0100 on, in order.
 */
function byteVocabulary(): Record<string, number> {
  const vocabulary: Record<string, number> = {};
  let substitute = 0x100;
  for (let byte = 0; byte < layout.BYTES; byte++) {
    vocabulary[String.fromCharCode(isVisible(byte) ? byte : substitute++)] = byte;
  }
  return vocabulary;
}

/** '!' to '~', '¡' to '¬' and '®' to 'ÿ': no spaces, no control characters, no soft hyphen. */
function isVisible(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
}
