/**
 * `kvr generate`: one prompt, one answer, and what every rank did for it.
 */
import { Argument, Option } from 'commander';
import { requestSchema } from '../../engine/options/request.js';
import { parseOptions } from '../../engine/options/parse-options.js';
import { readGrammar } from '../../engine/queue/validated-request.js';
import type { Command } from '../run/command.js';
import { runContext, runOnOneWorker, runRequest, threadsOf, withEngine } from '../run/engine-run.js';
import {
  type ChainFlags,
  chainFlags,
  engineOptions,
  machineFlags,
  type ModelFlags,
  modelFlag,
  type OutputFlags,
  outputFlags,
  requestOptions,
  type SamplingFlags,
  samplingFlags,
} from '../flags/index.js';
import { forTerminal } from '../terminal/format.js';
import { parseIds, type PromptFlags, readPrompt, readSchema } from '../run/prompt-source.js';
import { comparisonWords, type Run, runReport } from '../run/report.js';
import type { Output, Shell } from '../terminal/shell.js';

type Flags = ModelFlags & SamplingFlags & ChainFlags & PromptFlags & OutputFlags & OwnFlags;
/** `picture` is true unless --no-picture is given. */
type OwnFlags = { readonly compare?: true; readonly picture: boolean; readonly jsonSchema?: string };

const EPILOGUE = `The answer goes to stdout while it is written, and nothing else does. The prompt is used as it is, line ends included:
to a text only the model's begin token is added, to --prompt-ids nothing.

--json prints { "text", "tokenIds", "promptTokens", "cachedTokens", "completionTokens", "finishReason", "strategy",
"partition", "workers", "plan", "threads", "dtype", "kvDtype", "queueMs", "ttftMs", "predictedTtftMs", "decodeTokensPerSecond",
"wideTokens", "retries", "recoveries", "recoveryMs", "model", "timeline" }, and with --compare "compare". predictedTtftMs is
null where nothing was predicted; wideTokens counts the tokens that were made with the cores of all workers; retries and recoveries, how
often it went on after a worker or a link was lost, recoveryMs, how long it stood still for that. plan names the workers
of the chain, and those that would not have helped, with the reason.

Examples:
  kvr generate --model quote --prompt-file story.txt --workers 2
  kvr generate --model ./my-checkpoint --temperature 0.7 --seed 1 "Once upon a time"
  kvr generate --model ./my-checkpoint --prompt-ids 1,403,407 --json
  kvr generate --model ./my-checkpoint --json-schema person.json --max-tokens 500 "Who is it?"
  cat story.txt | kvr generate --model quote --workers 2 --compare > answer.txt`;

export const generate: Command<Flags> = {
  argument: () => new Argument('[prompt]', 'the prompt; or use --prompt-file, --prompt-ids, or a pipe'),
  flags: () => [
    modelFlag(),
    new Option('-f, --prompt-file <FILE>', 'read the prompt from a UTF-8 file'),
    new Option('--prompt-ids <IDS>', 'the prompt as token ids, as in 1,403,407').argParser(parseIds),
    ...samplingFlags(),
    new Option(
      '--json-schema <FILE>',
      'answer with one JSON value that is valid against the JSON schema in a file',
    ),
    ...machineFlags(),
    ...chainFlags(),
    new Option('--compare', 'also measure the prompt on one worker with as many threads'),
    new Option('--no-picture', 'do not draw what every worker did'),
    ...outputFlags(),
  ],
  epilogue: EPILOGUE,
  run: runGenerate,
};

async function runGenerate(flags: Flags, argument: string | undefined, shell: Shell): Promise<void> {
  const options = engineOptions(flags);
  const prompt = await readPrompt(argument, flags, shell);
  const schema = flags.jsonSchema === undefined ? {} : await readSchema(flags.jsonSchema, shell);
  const request = { ...requestOptions(flags), ...prompt, ...schema };
  // Bad input is refused before a model is loaded for it.
  readGrammar(parseOptions(requestSchema, request, 'request'));
  const context = runContext(shell, flags);
  const isJson = flags.json === true;
  const onText = isJson ? () => undefined : textWriter(shell.stdout);
  let totalThreads = 1;
  const run = await withEngine(options, context, (engine) => {
    totalThreads = threadsOf(engine) * engine.workers.length;
    return runRequest(engine, request, context, onText);
  });
  if (!isJson) endText(run, shell.stdout);
  if (!isJson && flags.picture && !flags.quiet) shell.stderr.write(`\n${runReport(run, shell.stderr)}`);
  const { dtype } = run.result;
  const single = flags.compare
    ? await runOnOneWorker({ ...options, dtype }, request, totalThreads, context)
    : undefined;
  if (isJson) shell.stdout.write(`${JSON.stringify(document(run, flags.model, single))}\n`);
  else if (single && !flags.quiet) shell.stderr.write(`${comparisonWords(run, single)}\n`);
}

/** A file gets the text as it is. For a terminal, control codes are replaced: they could move the cursor or clear the screen. */
export function textWriter(output: Output): (text: string) => void {
  return (text) => output.write(output.isTerminal ? forTerminal(text) : text);
}

/** On a terminal, what follows must begin on a line of its own. */
function endText({ result }: Run, output: Output): void {
  if (output.isTerminal && !result.text.endsWith('\n')) output.write('\n');
}

function document(run: Run, model: string, single: Run | undefined): unknown {
  const { timeline, ...result } = run.result;
  return {
    ...result,
    threads: run.threads,
    model,
    ...(single && { compare: comparison(run, single) }),
    timeline,
  };
}

function comparison({ result }: Run, single: Run): unknown {
  return {
    workers: 1,
    threads: single.threads,
    ttftMs: single.result.ttftMs,
    speedup: single.result.ttftMs / result.ttftMs,
    isSame: single.result.tokenIds.join() === result.tokenIds.join(),
  };
}
