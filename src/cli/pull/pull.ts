/**
 * `kvr pull`: fetches a model of the hub into the cache that all its programs share.
 */
import { Argument, Option } from 'commander';
import type { Command } from '../run/command.js';
import { outputFlags } from '../flags/index.js';
import { type PullFlags, runPull } from './run-pull.js';

export const pull: Command<PullFlags> = {
  argument: () => new Argument('<model>', 'ORG/NAME, ORG/NAME/FILE.gguf, or either with @REVISION'),
  flags: () => [
    new Option('--file <FILE>', 'fetch this GGUF file of the repository, with all its parts'),
    new Option('--offline', 'never ask the network; also with HF_HUB_OFFLINE=1'),
    new Option(
      '--cache-dir <DIR>',
      'where digests are remembered; KVR_CACHE_DIR or ~/.cache/kv-runahead unless given',
    ),
    ...outputFlags(),
  ],
  epilogue: `Fetches config.json, generation_config.json, the tokenizer, the chat template, and the weights as safetensors; or one
GGUF file. A download that was interrupted goes on where it ended. Everything is compared with the hub's digests.
The files go where other programs of the hub keep theirs: HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub.
HF_TOKEN is for private and gated models and is sent to the hub alone, HF_ENDPOINT names another hub.

--json prints { "model", "revision", "commit", "folder", "files": [ { "path", "bytes", "wasThere" } ], "bytes", "fetchedBytes", "ms" }.

Examples:
  kvr pull Qwen/Qwen3-0.6B
  kvr generate --model Qwen/Qwen3-0.6B "Once upon a time"
  kvr pull Qwen/Qwen3-0.6B-GGUF --file Qwen3-0.6B-Q8_0.gguf
  kvr generate --model Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf "Once upon a time"`,
  run: runPull,
};
