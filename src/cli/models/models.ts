/**
 * `kvr models`: what lies in the hub's cache and in the cache of compiled models, and how it is removed.
 */
import { Option } from 'commander';
import type { Command } from '../run/command.js';
import { outputFlags } from '../flags/index.js';
import { type ModelsFlags, runModels } from './run-models.js';

export const models: Command<ModelsFlags> = {
  flags: () => [
    new Option(
      '--remove <NAME>',
      'remove a model of the hub (ORG/NAME) or a compiled one by its name in the list',
    ),
    new Option(
      '--cache-dir <DIR>',
      'where compiled models are kept; KVR_CACHE_DIR or ~/.cache/kv-runahead unless given',
    ),
    ...outputFlags(),
  ],
  epilogue: `Models of the hub are those in the cache that its programs share (HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub),
whichever of them fetched them. Compiled ones are made again when they are used. When a model was used last is known to the day.
Nothing is asked before removing. A model that a process is fetching or compiling is not removed.

--json prints { "hub": { "folder", "models": [ { "name", "revisions": [ { "revision", "commit" } ], "bytes", "partialBytes",
"lastUsed" } ] }, "compiled": { "folder", "models": [ { "name", "model", "dtype", "bytes", "lastUsed" } ] }, "bytes" }, and with
--remove { "removed": { "name", "kind", "bytes" } }; "model" is null where it is not known.

Examples:
  kvr models
  kvr models --remove Qwen/Qwen3-0.6B`,
  run: (flags, _argument, shell) => runModels(flags, shell),
};
