/**
 * The network thread of a worker: takes the engine's messages and the compute thread's, and answers both. Rows go
 * through rows-router.ts, links to other workers are in peers.ts.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { asKvrError, KvrError } from '../core/errors.js';
import type { ModelShape } from '../core/shape.js';
import { type Address, connectTo, parseAddress } from '../link/address.js';
import { controlFrame, type Frame } from '../link/frame.js';
import type { Link } from '../link/link.js';
import { SocketLink } from '../link/socket-link.js';
import { checkRun, readIds } from './check-run.js';
import { ComputeHandle } from './compute-handle.js';
import { listenOn } from './listen.js';
import { Peers } from './peers.js';
import {
  type FromWorker,
  parseMessage,
  peerSchema,
  type RunMessage,
  type ToWorker,
  toWorkerSchema,
} from './protocol.js';
import { brokenLink, RowsRouter } from './rows-router.js';
import type { WorkerSettings } from './settings.js';
import type { FromCompute } from './thread-messages.js';

type Connection = {
  role: 'unknown' | 'engine' | 'peer';
  /** The name of whoever is at the other end. */
  worker: string;
  /** The engine at the other end, or the one that the link between two workers is for. */
  engine: string;
  /** What that engine calls this worker. */
  own: string;
  readonly number: number;
  readonly link: Link;
};

export class WorkerNode {
  readonly #settings: WorkerSettings;
  readonly #server: Server;
  readonly #compute: ComputeHandle;
  readonly #peers = new Peers();
  readonly #rows: RowsRouter;
  readonly #connections = new Set<Connection>();
  readonly #probes = new Map<number, Link>();
  /** Whose the kept rows are, by entry. */
  readonly #kept = new Map<number, Link>();
  /** Called when the worker is asked to end, or must, for the reason given. */
  readonly #onShutdown: (reason?: KvrError) => void;
  /** What became of opening the model: told to everyone who connects, also after it happened. */
  #opened: Extract<FromWorker, { type: 'ready' | 'failed' }> | undefined;
  #shape: ModelShape | undefined;
  #adopted = 0;

  constructor(settings: WorkerSettings, onShutdown: (reason?: KvrError) => void) {
    this.#settings = settings;
    this.#onShutdown = onShutdown;
    this.#server = createServer((socket) => void this.#adopt(socket));
    this.#compute = new ComputeHandle(settings, (message) => this.#onCompute(message));
    this.#rows = new RowsRouter(this.#compute, this.#peers);
    void this.#compute.exited.then((error) => error && this.#failAll(asKvrError(error)));
  }

  /** Starts listening. @returns the address, with the port the system chose where 0 was asked for. @throws BAD_INPUT */
  listen(address: Address): Promise<Address> {
    return listenOn(this.#server, address);
  }

  /** Stops listening, cancels everything and ends the compute thread. Settles when that thread is gone. */
  async close(): Promise<void> {
    this.#server.close();
    this.#compute.post({ type: 'close' });
    for (const { link } of this.#connections) link.close();
    await this.#compute.exited;
  }

  #adopt(socket: Socket): Connection {
    const link = new SocketLink(socket, {
      onFrame: (frame) => this.#onFrame(connection, frame),
      onClose: (error) => this.#onLinkClosed(connection, error),
    });
    const own = this.#settings.worker;
    const number = this.#adopted++;
    const connection: Connection = { role: 'unknown', worker: '', engine: '', own, number, link };
    this.#connections.add(connection);
    return connection;
  }

  #onFrame(connection: Connection, frame: Frame): void {
    const { role, link } = connection;
    try {
      if (frame.kind === 'kv') {
        if (role !== 'peer') throw new KvrError('PROTOCOL', 'KV rows from a connection that is no peer');
        this.#rows.receive(frame, link);
      } else if (role === 'peer') this.#peers.onMessage(link, parseMessage(peerSchema, frame));
      else this.#onMessage(connection, parseMessage(toWorkerSchema, frame), frame.payload);
    } catch (error) {
      link.close(asKvrError(error));
    }
  }

  #onMessage(connection: Connection, message: ToWorker, payload: Uint8Array<ArrayBuffer>): void {
    const { link } = connection;
    if (connection.role === 'unknown' && message.type !== 'hello') {
      throw new KvrError('PROTOCOL', `first message was ${message.type}, expected hello`);
    }
    switch (message.type) {
      case 'hello':
        return this.#greet(connection, message);
      case 'connect':
        return void this.#connectPeers(connection, message.peers);
      case 'run':
        return this.#start(connection, message, payload);
      case 'vocabulary':
        return this.#learn(connection, message.tokens, payload);
      case 'probe':
        this.#probes.set(message.probe, link);
        return this.#compute.post({ type: 'probe', probe: message });
      case 'probeLink':
        return void this.#probeLink(connection, message.probe, message.worker, message.frames);
      case 'cancel':
        return this.#rows.cancel(message.request);
      case 'cores':
        return this.#compute.post(message);
      case 'ping':
        return tell(link, { type: 'pong', ping: message.ping });
      case 'shutdown':
        return this.#onShutdown();
    }
  }

  #greet(connection: Connection, hello: Extract<ToWorker, { type: 'hello' }>): void {
    const { role, worker, as, engine } = hello;
    connection.role = role;
    connection.worker = worker;
    connection.engine = role === 'engine' ? worker : engine;
    if (as !== undefined) connection.own = as;
    if (role === 'peer') this.#peers.add(connection, connection.link);
    if (this.#opened) tell(connection.link, this.#opened);
  }

  /** Opens a link to every named worker and waits for its greeting, so that rows can flow both ways. */
  async #connectPeers(
    engine: Connection,
    peers: readonly { worker: string; address: string }[],
  ): Promise<void> {
    try {
      await Promise.all(
        peers.map((peer) => this.#connectPeer(engine, peer.worker, parseAddress(peer.address))),
      );
      tell(engine.link, { type: 'connected' });
    } catch (error) {
      const { code, message } = asKvrError(error);
      tell(engine.link, { type: 'failed', code, message, phase: 'connect' });
    }
  }

  async #connectPeer({ engine, own, link: to }: Connection, worker: string, address: Address): Promise<void> {
    const peer = this.#adopt(await connectTo(address));
    Object.assign(peer, { role: 'peer', worker, engine, own });
    this.#peers.add(peer, peer.link);
    peer.link.send(controlFrame({ type: 'hello', role: 'peer', worker: own, engine } satisfies ToWorker));
    await this.#peers.greeted(worker, peer.link);
    // The engine may have left meanwhile; nobody else would ever close its links.
    if (to.isClosed) peer.link.close();
  }

  async #probeLink(from: Connection, probe: number, worker: string, frames: number): Promise<void> {
    const { engine, link } = from;
    try {
      tell(link, { type: 'probedLink', probe, ...(await this.#peers.measure({ engine, worker }, frames)) });
    } catch (error) {
      const { code, message } = asKvrError(error);
      tell(link, { type: 'failed', code, message, phase: 'connect' });
    }
  }

  #start(engine: Connection, run: RunMessage, payload: Uint8Array<ArrayBuffer>): void {
    try {
      checkRun(run, payload, engine.own, this.#shape);
      const route = this.#rows.open(engine, run, this.#shape?.layers ?? 0);
      const ids = readIds(payload);
      this.#compute.post({ type: 'run', job: { ...run, ids, owner: engine.number } }, [ids.buffer]);
      this.#rows.start(route);
    } catch (error) {
      const { code, message } = asKvrError(error);
      tell(engine.link, { type: 'failed', request: run.request, code, message, phase: 'connect' });
    }
  }

  #learn({ number, role }: Connection, tokens: number, payload: Uint8Array<ArrayBuffer>): void {
    if (role !== 'engine') throw new KvrError('PROTOCOL', 'a vocabulary from a connection that is no engine');
    // A copy, since the frame's buffer may hold more than its payload.
    const packed = payload.slice();
    this.#compute.post({ type: 'vocabulary', owner: number, tokens, packed }, [packed.buffer]);
  }

  #onCompute(message: FromCompute): void {
    switch (message.type) {
      case 'ready':
        return this.#onReady(message);
      case 'publish':
        return this.#rows.publish(message);
      case 'drained':
        return this.#peers.resumeAll();
      case 'prefilled':
        return this.#onPrefilled(message);
      case 'failed':
        return this.#onFailed(message);
      case 'kept':
        return this.#onKept(message);
      case 'dropped':
        return this.#onDropped(message);
      case 'finished':
        return this.#end(message.request, message);
      case 'probed':
        return this.#onProbed(message);
      case 'token': {
        const { logits, ...token } = message;
        return this.#tellEngine(message.request, token, logits && new Uint8Array(logits.buffer));
      }
      case 'progress':
        return this.#tellEngine(message.request, message);
    }
  }

  #onReady({ digest, dtype, shape }: Extract<FromCompute, { type: 'ready' }>): void {
    const ready = {
      type: 'ready',
      pid: process.pid,
      digest,
      dtype,
      threads: this.#settings.threads,
      chunkTokens: this.#settings.chunkTokens,
      kvBytesLimit: this.#settings.kvBytesLimit,
    } as const;
    this.#shape = shape;
    this.#opened = ready;
    for (const { role, link } of this.#connections) if (role !== 'unknown') tell(link, ready);
  }

  #onPrefilled(message: Extract<FromCompute, { type: 'prefilled' }>): void {
    const route = this.#rows.get(message.request);
    route?.whenSent(() => {
      tell(route.engine, { ...message, timeline: route.complete(message.timeline) });
      // Only the last rank goes on; for the others the request is over once their rows have left.
      if (route.run.rank < route.run.chain.length - 1) this.#rows.forget(message.request);
    });
  }

  /** Kept rows are for the engine whose request made them, and go when it goes. */
  #onKept({ ids, ...kept }: Extract<FromCompute, { type: 'kept' }>): void {
    const engine = this.#rows.get(kept.request)?.engine;
    if (!engine || engine.isClosed) return this.#compute.post({ type: 'drop', entries: [kept.request] });
    this.#kept.set(kept.request, engine);
    tell(engine, kept, new Uint8Array(ids.buffer));
  }

  #onDropped(message: Extract<FromCompute, { type: 'dropped' }>): void {
    const engine = this.#kept.get(message.entry);
    if (engine && this.#kept.delete(message.entry) && !engine.isClosed) tell(engine, message);
  }

  #onProbed(message: Extract<FromCompute, { type: 'probed' }>): void {
    const engine = this.#probes.get(message.probe);
    this.#probes.delete(message.probe);
    if (engine) tell(engine, message);
  }

  #onFailed(message: Extract<FromCompute, { type: 'failed' }>): void {
    if (message.request !== undefined)
      return this.#end(message.request, { ...message, request: message.request });
    this.#opened ??= message;
    for (const { role, link } of this.#connections) if (role === 'engine') tell(link, message);
  }

  #end(request: number, message: FromWorker): void {
    this.#tellEngine(request, message);
    this.#rows.forget(request);
  }

  #tellEngine(request: number, message: FromWorker, payload?: Uint8Array<ArrayBuffer>): void {
    const route = this.#rows.get(request);
    if (route) tell(route.engine, message, payload);
  }

  #onLinkClosed(connection: Connection, error: Error | undefined): void {
    const { role, worker, engine, link } = connection;
    this.#connections.delete(connection);
    this.#peers.remove(connection, link, error);
    this.#rows.leave(link);
    const owner = this.#engineLink(engine);
    for (const [request, route] of this.#rows.entries()) {
      if (route.engine === link) this.#rows.cancel(request);
      else if (role === 'peer' && route.engine === owner && route.needs(worker))
        this.#failRequest(request, brokenLink(worker, error));
    }
    if (role === 'engine') this.#compute.post({ type: 'forget', owner: connection.number });
    if (role === 'engine') this.#forgetEngine(engine, link);
  }

  #engineLink(engine: string): Link | undefined {
    return [...this.#connections].find(({ role, worker }) => role === 'engine' && worker === engine)?.link;
  }

  /** Links between workers go with the engine they are for, the next one opens its own; so do kept rows. */
  #forgetEngine(engine: string, engineLink: Link): void {
    const entries = [...this.#kept].filter(([, link]) => link === engineLink).map(([entry]) => entry);
    if (entries.length > 0) this.#compute.post({ type: 'drop', entries });
    for (const { role, engine: owner, link } of [...this.#connections]) {
      if (role === 'peer' && owner === engine) link.close();
    }
  }

  #failRequest(request: number, { code, message }: KvrError): void {
    this.#rows.cancel(request);
    this.#end(request, { type: 'failed', request, code, message, phase: 'prefill' });
  }

  #failAll(reason: KvrError): void {
    const { code, message } = reason;
    for (const { role, link } of this.#connections) {
      if (role === 'engine') tell(link, { type: 'failed', code, message, phase: 'prefill' });
    }
    this.#onShutdown(reason);
  }
}

function tell(link: Link, message: FromWorker, payload?: Uint8Array<ArrayBuffer>): void {
  link.send(controlFrame(message, payload));
}
