/**
 * A real worker process on a socket of its own, and a stand-in that talks to it as an engine or as another worker:
 * for tests of what a worker does when those misbehave.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isChecksummed, parseAddress } from '../../src/link/address.js';
import { controlFrame, type Frame } from '../../src/link/frame.js';
import { SocketLink } from '../../src/link/socket-link.js';
import type { FromWorker, RunMessage } from '../../src/worker/protocol/index.js';
import type { WorkerSettings } from '../../src/worker/protocol/settings.js';
import { until } from './until.js';

const ENTRY = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));

/** What is undefined is left out, whatever it is otherwise. */
type GivenSettings = { readonly [Name in keyof WorkerSettings]?: WorkerSettings[Name] | undefined };

export class WorkerProcess {
  readonly child: ChildProcess;
  stderr = '';
  stdout = '';
  readonly #folder: string;

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
  }

  /** Starts a worker and waits until it listens. */
  static async start(compiledFolder: string, settings: GivenSettings = {}): Promise<WorkerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'kvr-worker-'));
    const all = {
      worker: 'real',
      listen: `unix:${join(folder, 'w.sock')}`,
      compiledFolder,
      threads: 1,
      decodeThreads: 1,
      chunkTokens: 512,
      kvBytesLimit: 2 ** 30,
      prefixCacheBytes: 0,
      followsStdin: true,
      ...settings,
    };
    const child = spawn(process.execPath, [ENTRY, JSON.stringify(all)], { stdio: ['pipe', 'pipe', 'pipe'] });
    const worker = new WorkerProcess(folder, child);
    await until(() => worker.stdout.includes('\n'), 'the worker to listen');
    return worker;
  }

  /** Where it listens, with the port the system chose where 0 was asked for. */
  get address(): string {
    return this.stdout.split('\n')[0] ?? '';
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await until(() => !this.isRunning, 'the worker to end');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

type Heard = { readonly message: FromWorker; readonly payload: Uint8Array<ArrayBuffer> };

/** One connection to a worker, from the side of an engine or of another worker. */
export class StandIn {
  readonly heard: Heard[] = [];
  readonly rows: Frame[] = [];
  isClosed = false;
  readonly #socket: Socket;
  readonly #link: SocketLink;

  constructor(socket: Socket, hasChecksums: boolean) {
    this.#socket = socket;
    const onFrame = (frame: Frame): void => {
      if (frame.kind === 'kv') this.rows.push(frame);
      else this.heard.push({ message: frame.message as FromWorker, payload: frame.payload });
    };
    const onClose = (): void => void (this.isClosed = true);
    this.#link = new SocketLink(socket, { onFrame, onClose }, hasChecksums);
  }

  /** Connects without a word. */
  static async connect(address: string): Promise<StandIn> {
    const target = parseAddress(address);
    const socket = target.kind === 'unix' ? connect(target.path) : connect(target.port, target.host);
    await once(socket, 'connect');
    return new StandIn(socket, isChecksummed(target));
  }

  /** Connects and waits until the worker has said that its model is open. */
  static async greet(address: string, role: 'engine' | 'peer', worker: string): Promise<StandIn> {
    const standIn = await StandIn.connect(address);
    standIn.say({ type: 'hello', role, worker });
    await until(() => standIn.heard.length > 0, 'the greeting');
    return standIn;
  }

  say(message: unknown, payload?: Uint8Array<ArrayBuffer>): void {
    this.#link.send(controlFrame(message, payload));
  }

  run(message: RunMessage, ids: readonly number[]): void {
    this.say(message, new Uint8Array(Int32Array.from(ids).buffer));
  }

  send(frame: Frame): void {
    this.#link.send(frame);
  }

  /** Bytes as they are; settles once the system has taken them. */
  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Waits for a message of a type about a request. */
  async hear<T extends FromWorker['type']>(
    type: T,
    request?: number,
  ): Promise<Extract<FromWorker, { type: T }>> {
    const find = (): Heard | undefined =>
      this.heard.find(
        ({ message }) =>
          message.type === type &&
          (request === undefined || ('request' in message && message.request === request)),
      );
    await until(() => find() !== undefined || this.isClosed, `${type} of request ${request}`);
    const found = find();
    if (!found) throw new Error(`the worker closed the connection instead of saying ${type}`);
    return found.message as Extract<FromWorker, { type: T }>;
  }
}

/** A listening socket that gives every connection to `onSocket`. */
export async function listenAs(
  onSocket: (socket: Socket) => void,
): Promise<{ address: string; close: () => void }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { address: `127.0.0.1:${port}`, close };
}
