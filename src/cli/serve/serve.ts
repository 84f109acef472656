/**
 * `kvr serve`: an OpenAI-compatible server, and a page that shows the chain, until it is interrupted.
 */
import type { Engine } from '../../engine/engine.js';
import { DEFAULT_PORT, KvrServer, openLog } from '../../server/index.js';
import { defined } from '../flags/index.js';
import type { Command } from '../run/command.js';
import { runContext, threadsOf, withEngine } from '../run/engine-run.js';
import { chainWords } from '../run/report.js';
import type { Shell } from '../terminal/shell.js';
import { type ServeFlags, serveFlags } from './serve-flags.js';
import { servedOptions } from './served-options.js';
import { checkReach, serverSettings } from './serve-settings.js';

export const serve: Command<ServeFlags> = {
  flags: serveFlags,
  epilogue: `Serves OpenAI's POST /v1/chat/completions, /v1/completions and /v1/responses, and Anthropic's /v1/messages, whole or as a
stream, GET /v1/models, /healthz, /readyz and /metrics (Prometheus), and a page at /. A parameter that would change the answer and is not done is refused by name; one that says nothing
about it is ignored and named in the header X-Kvr-Ignored. Beside OpenAI's parameters there are top_k, min_p and repetition_penalty.
n gives that many answers, made with the seeds seed, seed + 1, and so on.

response_format json_object and json_schema make every answer valid; a keyword of a schema that is not supported is refused by name.
tools are told to the model by its chat template, or in the first message. Calls that tool_choice asks for, and calls of functions that
are strict, fit the function's parameters. With both, an answer is calls, or text in the format.

While a prompt is read, a stream carries the comment ": prefill 0.42" twice a second; with the request header x-kvr-progress: event
these are events named kvr.prefill. An answer that is not streamed and takes more than ten seconds begins with spaces, which JSON
allows. The request header x-kvr-deadline-ms sets a shorter time than --deadline.

With --listen-workers it starts no workers, and waits for those of other machines, and of this one: the command to type on each is
printed, and --json has it as "invitation". Until the first has joined /readyz says so.

POST /v1/embeddings pools hidden states. Ollama's clients (/api/…) and llama.cpp's (/completion, /infill, /tokenize, …) are answered in
their own words. The model is called by its folder's base name or ORG/NAME, or by --alias.

POST /kvr/warm takes the body of a chat or completion and reads its prompt ahead, so that its question costs only what follows. With
--prefix-cache-dir what was read is found after a restart.

Prints one line once it listens, or with --json { "url", "model", "workers", "threads", "pid" }. When it is interrupted it takes no
new requests, lets running ones go on for the time of --drain, and ends.

Examples:
  kvr serve --model quote --workers 2
  kvr serve --model quote --listen-workers 0.0.0.0:7001 --cluster-key-file room.key
  KVR_API_KEY=… kvr serve --model ./my-chat-model --host 0.0.0.0 --workers 4
  curl http://127.0.0.1:${DEFAULT_PORT}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"messages":[{"role":"user","content":"The key is 77. The key is"}]}'`,
  run: runServe,
};

async function runServe(flags: ServeFlags, _argument: string | undefined, shell: Shell): Promise<void> {
  const settings = serverSettings(flags, process.env['KVR_API_KEY']);
  checkReach(settings, flags);
  const log = openLog(flags.logLevel ?? (flags.quiet ? 'error' : 'info'), {
    write: (line) => shell.stderr.write(line),
  });
  await withEngine(servedOptions(flags), runContext(shell, flags), async (engine) => {
    const server = await KvrServer.start(engine, settings, log);
    shell.stdout.write(
      flags.json ? `${JSON.stringify(document(server, engine))}\n` : greeting(server, engine),
    );
    await aborted(shell.signal);
    await server.close();
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function greeting(server: KvrServer, engine: Engine): string {
  const { model, workers, invitation } = engine;
  const chain =
    invitation === undefined ? chainWords(workers.length, threadsOf(engine)) : 'workers that join';
  const how = invitation === undefined ? '' : `on each machine that is to work, type: ${invitation}\n`;
  return `kvr serves ${model.name} on ${chain} at ${server.url} (page) and ${server.url}/v1 (API)\n${how}`;
}

function document(server: KvrServer, engine: Engine): unknown {
  const { model, workers, invitation } = engine;
  const own = { workers: workers.length, threads: threadsOf(engine), pid: process.pid };
  return { url: server.url, model: model.name, ...own, ...defined({ invitation }) };
}
