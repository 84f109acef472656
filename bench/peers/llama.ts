/**
 * A handle on the peer's process: starts it, asks for a run, ends it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PeerAnswer, PeerRun, PeerSetup } from './peer-messages.js';

const PROGRAM = fileURLToPath(new URL('./llama-process.js', import.meta.url));
/** Longer than the slowest machine takes for the longest prompt. */
const ANSWER_TIMEOUT_MS = 1_200_000;

export class Llama {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(setup: PeerSetup): Promise<Llama> {
    // What it writes is not ours to print on stdout.
    const child = fork(PROGRAM, [JSON.stringify(setup)], { stdio: ['ignore', 2, 2, 'ipc'] });
    await nextMessage(child);
    return new Llama(child);
  }

  async run(request: PeerRun): Promise<PeerAnswer> {
    const answer = nextMessage(this.#process);
    this.#process.send(request);
    return (await answer) as PeerAnswer;
  }

  close(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}

/** @throws Error where the process ends or does not answer in time */
function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      settle();
    };
    const onMessage = (message: unknown): void => end(() => resolve(message));
    const onExit = (code: number | null): void =>
      end(() => reject(new Error(`llama.cpp's process ended with status ${code}`)));
    const timer = setTimeout(
      () => end(() => reject(new Error(`llama.cpp gave no answer in ${ANSWER_TIMEOUT_MS / 1000} s`))),
      ANSWER_TIMEOUT_MS,
    );
    child.on('message', onMessage).on('exit', onExit);
  });
}
