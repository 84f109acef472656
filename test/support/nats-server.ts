/**
 * A real nats-server on a port of its own, which can be killed and started again at the same place. It comes from Debian (`apt-get
 * install nats-server`); where it is not, `hasNatsServer` says so and tests skip.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { listenAs } from './worker-process.js';
import { until } from './until.js';

export const hasNatsServer = spawnSync('nats-server', ['--version']).status === 0;
export const NO_NATS_SERVER = 'nats-server is not on this machine (apt-get install nats-server)';

export class NatsServer {
  readonly port: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.#flags = flags;
  }

  /** @param flags such as users and passwords */
  static async start(...flags: string[]): Promise<NatsServer> {
    const { address, close } = await listenAs((socket) => socket.destroy());
    close();
    const server = new NatsServer(Number(address.split(':')[1]), flags);
    await server.restart();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Begins with nothing, as it keeps nothing. */
  async restart(): Promise<void> {
    const own = ['-a', '127.0.0.1', '-p', String(this.port)];
    this.#child = spawn('nats-server', [...own, ...this.#flags], { stdio: 'ignore' });
    await until(() => this.#answers(), 'nats-server to listen');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    child?.kill('SIGKILL');
    await until(() => !child || child.signalCode !== null || child.exitCode !== null, 'nats-server to end');
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      const end = (isThere: boolean): void => {
        socket.destroy();
        resolve(isThere);
      };
      socket.once('connect', () => end(true)).once('error', () => end(false));
    });
  }
}
