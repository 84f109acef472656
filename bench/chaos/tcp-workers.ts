/**
 * Workers over TCP on loopback, each behind a link that can be made to fail, killed and started again by hand at the same port.
 */
import { once } from 'node:events';
import {
  endWorkerProcess,
  startWorkerProcess,
  type WorkerProcess,
} from '../../src/cluster/worker-process.js';
import type { LocalWorkerSettings } from '../../src/cluster/worker-source.js';
import { FaultyLink } from './faulty-link.js';

export class TcpWorker {
  readonly link: FaultyLink;
  readonly #settings: LocalWorkerSettings;
  #process: WorkerProcess;

  private constructor(settings: LocalWorkerSettings, process: WorkerProcess, link: FaultyLink) {
    this.#settings = settings;
    this.#process = process;
    this.link = link;
  }

  static async start(settings: LocalWorkerSettings): Promise<TcpWorker> {
    const process = await startAt(settings, '127.0.0.1:0');
    const link = await FaultyLink.start(Number(process.address.split(':').at(-1)));
    return new TcpWorker(settings, process, link);
  }

  /** Settles once it has ended. */
  async kill(): Promise<void> {
    const { process } = this.#process;
    process.kill('SIGKILL');
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.process.kill(signal);
  }

  /** As somebody would who finds it dead: at the same address. Settles once it listens. */
  async startAgain(): Promise<void> {
    this.#process = await startAt(this.#settings, this.#process.address);
  }

  async close(): Promise<void> {
    this.link.close();
    await endWorkerProcess(this.#process);
  }
}

function startAt(settings: LocalWorkerSettings, listen: string): Promise<WorkerProcess> {
  return startWorkerProcess(
    { ...settings, worker: 'chaos', listen, followsStdin: true },
    { name: `worker at ${listen}` },
  );
}
