/**
 * `kvr chat`: a conversation, in a terminal or with each piped line as one turn.
 */
import { Option } from 'commander';
import { KvrError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import { requestSchema } from '../../engine/options/request.js';
import { parseOptions } from '../../engine/options/parse-options.js';
import { defaultPrefixCacheBytes } from '../../engine/options/defaults.js';
import type { Command } from '../run/command.js';
import { CHAT_HELP, Conversation, type Turn } from './conversation.js';
import { runContext, withEngine } from '../run/engine-run.js';
import {
  engineOptions,
  machineFlags,
  type ModelFlags,
  modelFlag,
  notEmpty,
  type OutputFlags,
  outputFlags,
  requestOptions,
  type SamplingFlags,
  samplingFlags,
} from '../flags/index.js';
import { checkTemplateArgs, type TemplateArgs } from '../../tokenizer/index.js';
import { shown } from '../terminal/numbers.js';
import type { Shell } from '../terminal/shell.js';

type Flags = ModelFlags &
  SamplingFlags &
  OutputFlags & { readonly system?: string; readonly templateArgs?: TemplateArgs };

export const chat: Command<Flags> = {
  flags: () => [
    modelFlag(),
    new Option('--system <TEXT>', 'what the model is told before the conversation').argParser((text) =>
      notEmpty('--system', text),
    ),
    new Option(
      '--template-args <JSON>',
      'what the chat template reads beside the messages, as \'{"enable_thinking": false}\'',
    ).argParser(parseTemplateArgs),
    ...samplingFlags(),
    ...machineFlags(),
    ...outputFlags(),
  ],
  epilogue: `Every line is one turn; piped lines too. In the conversation:
${CHAT_HELP.replaceAll(/^/gm, '  ')}

--json prints { "model", "turns": [ { "question", … } ] } at the end, each turn with the fields of kvr generate --json.

Examples:
  kvr chat --model ./my-chat-model --workers 2 --temperature 0.7
  printf 'Hello\\nAnd again\\n' | kvr chat --model ./my-chat-model --json`,
  run: runChat,
};

async function runChat(flags: Flags, _argument: string | undefined, shell: Shell): Promise<void> {
  const context = runContext(shell, flags);
  const { templateArgs: args } = flags;
  const request = { ...requestOptions(flags), ...(args && { template: { args } }) };
  parseOptions(requestSchema, request, 'request');
  const options = engineOptions(flags);
  // Every turn repeats all turns before it, so kept prefixes save most of the work.
  const prefixCacheBytes = defaultPrefixCacheBytes(options.workers, options.kvMemoryBytes);
  await withEngine({ prefixCacheBytes, ...options }, context, async (engine) => {
    requireTemplate(engine);
    const turns = await new Conversation(engine, { ...flags, request }, context).hold();
    if (flags.json)
      shell.stdout.write(`${JSON.stringify({ model: flags.model, turns: turns.map(document) })}\n`);
  });
}

function document({ question, run }: Turn): unknown {
  return { question, ...run.result, threads: run.threads };
}

/** @throws BAD_INPUT */
function parseTemplateArgs(text: string): TemplateArgs {
  try {
    return checkTemplateArgs(JSON.parse(text), '--template-args');
  } catch (error) {
    if (error instanceof KvrError) throw error;
    const example = '{"enable_thinking": false}';
    throw new KvrError(
      'BAD_INPUT',
      `--template-args ${shown(text)} is not JSON; give an object, as ${example}`,
      {},
      error,
    );
  }
}

/** Checked before the first question is asked. @throws BAD_INPUT */
function requireTemplate({ model }: Engine): void {
  if (model.tokenizer.hasChatTemplate) return;
  throw new KvrError(
    'BAD_INPUT',
    `model "${model.name}" has no chat template; use kvr generate with a plain prompt, or a chat model`,
  );
}
