/**
 * `kvr serve` as a child process that also tells how long its event loop was held, and what memory it has.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { KVR } from '../runner/places.js';
import { residentBytes } from '../runner/process-memory.js';

/** Loaded before the command. Delays of the event loop do not depend on what else the machine does, as waits do. */
const PROBE = `data:text/javascript,${encodeURIComponent(`
  import { monitorEventLoopDelay } from 'node:perf_hooks';
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    process.on('message', (ask) => {
      if (ask.collects) globalThis.gc();
      process.send({ loopMs: delay.max / 1e6 });
      delay.reset();
    });
    process.channel.unref();
  }
`)}`;

export class ServedChild {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @param flags beside those that every benchmark gives */
  static async start(model: string, flags: readonly string[] = []): Promise<ServedChild> {
    const words = [
      'serve',
      '--model',
      model,
      '--port',
      '0',
      '--json',
      '--no-calibrate',
      '--log-level',
      'silent',
      ...flags,
    ];
    const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, KVR, ...words], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
    return new ServedChild(child, (JSON.parse(line.toString()) as { url: string }).url);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get residentBytes(): number {
    return residentBytes(this.pid);
  }

  /** @returns the longest that the event loop was held since it was last asked */
  async loopMs(collects = false): Promise<number> {
    this.#child.send({ collects });
    const [{ loopMs }] = (await once(this.#child, 'message')) as [{ loopMs: number }];
    return loopMs;
  }

  /** @returns milliseconds from SIGTERM to its end */
  async terminate(): Promise<number> {
    const startMs = performance.now();
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
    return performance.now() - startMs;
  }
}
