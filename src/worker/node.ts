/**
 * The network thread of a worker: takes the engine's messages, passes rows between the compute thread and the
 * other ranks, and relays earlier ranks' rows the moment they arrive, whatever the compute thread is doing.
 */
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { asKvrError, KvrError } from '../core/errors.js';
import type { ModelShape } from '../core/shape.js';
import { type Address, connectTo, formatAddress, parseAddress } from '../link/address.js';
import { type ControlFrame, controlFrame, type Frame, type KvFrame } from '../link/frame.js';
import type { Link } from '../link/link.js';
import { SocketLink } from '../link/socket-link.js';
import { ComputeHandle } from './compute-handle.js';
import { checkRun, readIds } from './check-run.js';
import { Parking } from './parking.js';
import { type FromWorker, parseMessage, type RunMessage, type ToWorker, toWorkerSchema } from './protocol.js';
import { Route } from './route.js';
import type { WorkerSettings } from './settings.js';
import type { FromCompute, KvRows } from './thread-messages.js';

/** Others' rows that may wait for a slow next link before their own link is paused. */
const MAX_RELAY_BYTES = 64 << 20;

type Connection = { role: 'unknown' | 'engine' | 'peer'; worker: string; readonly link: Link };

export class WorkerNode {
  readonly #settings: WorkerSettings;
  readonly #server: Server;
  readonly #compute: ComputeHandle;
  readonly #connections = new Set<Connection>();
  readonly #peers = new Map<string, Link>();
  readonly #routes = new Map<number, Route>();
  readonly #parking = new Parking();
  #ready: Extract<FromWorker, { type: 'ready' }> | undefined;
  #shape: ModelShape | undefined;
  /** Called when the worker is asked to end. */
  readonly #onShutdown: () => void;

  constructor(settings: WorkerSettings, onShutdown: () => void) {
    this.#settings = settings;
    this.#onShutdown = onShutdown;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#compute = new ComputeHandle(settings, (message) => this.#onCompute(message));
    void this.#compute.exited.then((error) => error && this.#failAll(asKvrError(error)));
  }

  /** Starts listening. @returns the address, with the port the system chose where 0 was asked for. @throws BAD_INPUT */
  listen(address: Address): Promise<Address> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(new KvrError('BAD_INPUT', `cannot listen on ${formatAddress(address)}: ${error.message}`, {}, error)),
      );
      const onListening = (): void => {
        const bound = this.#server.address();
        resolve(address.kind === 'tcp' && bound && typeof bound === 'object' ? { ...address, port: bound.port } : address);
      };
      if (address.kind === 'unix') this.#server.listen({ path: address.path }, onListening);
      else this.#server.listen({ host: address.host, port: address.port }, onListening);
    });
  }

  /** Stops listening, cancels everything and ends the compute thread. Settles when that thread is gone. */
  async close(): Promise<void> {
    this.#server.close();
    this.#compute.post({ type: 'close' });
    for (const { link } of this.#connections) link.close();
    await this.#compute.exited;
  }

  #accept(socket: Socket): void {
    this.#adopt(socket, 'unknown', '');
  }

  #adopt(socket: Socket, role: Connection['role'], worker: string): Connection {
    const link = new SocketLink(socket, {
      onFrame: (frame) => this.#onFrame(connection, frame),
      onClose: (error) => this.#onLinkClosed(connection, error),
    });
    const connection: Connection = { role, worker, link };
    this.#connections.add(connection);
    return connection;
  }

  #onFrame(connection: Connection, frame: Frame): void {
    try {
      if (frame.kind === 'kv') this.#onRows(connection, frame);
      else if (connection.role === 'peer') this.#onPeerMessage(connection, frame);
      else this.#onMessage(connection, parseMessage(toWorkerSchema, frame), frame.payload);
    } catch (error) {
      connection.link.close(asKvrError(error));
    }
  }

  #onMessage(connection: Connection, message: ToWorker, payload: Uint8Array<ArrayBuffer>): void {
    if (connection.role === 'unknown' && message.type !== 'hello') {
      throw new KvrError('PROTOCOL', `first message was ${message.type}, expected hello`);
    }
    switch (message.type) {
      case 'hello':
        return this.#greet(connection, message.role, message.worker);
      case 'connect':
        return void this.#connectPeers(connection, message.peers);
      case 'run':
        return this.#start(connection.link, message, payload);
      case 'cancel':
        return this.#cancel(message.request);
      case 'ping':
        return this.#tell(connection.link, { type: 'pong', ping: message.ping });
      case 'shutdown':
        return this.#onShutdown();
    }
  }

  #greet(connection: Connection, role: 'engine' | 'peer', worker: string): void {
    connection.role = role;
    connection.worker = worker;
    if (role === 'peer') this.#peers.set(worker, connection.link);
    if (this.#ready) this.#tell(connection.link, this.#ready);
  }

  /** Opens a link to every named worker and waits for its greeting, so that rows can flow both ways. */
  async #connectPeers(engine: Connection, peers: readonly { worker: string; address: string }[]): Promise<void> {
    try {
      await Promise.all(peers.map(({ worker, address }) => this.#connectPeer(worker, parseAddress(address))));
      this.#tell(engine.link, { type: 'connected' });
    } catch (error) {
      const { code, message } = asKvrError(error);
      this.#tell(engine.link, { type: 'failed', code, message, phase: 'connect' });
    }
  }

  async #connectPeer(worker: string, address: Address): Promise<void> {
    const connection = this.#adopt(await connectTo(address), 'peer', worker);
    this.#peers.set(worker, connection.link);
    this.#send(connection.link, { type: 'hello', role: 'peer', worker: this.#settings.worker });
    await new Promise<void>((resolve) => this.#greetings.set(worker, resolve));
  }

  readonly #greetings = new Map<string, () => void>();

  /** The only thing a peer says, besides rows, is that it heard us. */
  #onPeerMessage(connection: Connection, frame: ControlFrame): void {
    const { type } = frame.message as { type?: unknown };
    if (type !== 'ready') throw new KvrError('PROTOCOL', `unexpected message from worker ${connection.worker}`);
    this.#greetings.get(connection.worker)?.();
    this.#greetings.delete(connection.worker);
  }

  #start(engine: Link, run: RunMessage, payload: Uint8Array<ArrayBuffer>): void {
    try {
      checkRun(run, payload, this.#settings.worker, this.#shape);
      const route = this.#openRoute(engine, run);
      const ids = readIds(payload);
      this.#routes.set(run.request, route);
      this.#compute.post({ type: 'run', job: { ...run, ids } }, [ids.buffer]);
      for (const { frame, link } of this.#parking.take(run.request)) this.#route(route, frame, link);
    } catch (error) {
      const { code, message } = asKvrError(error);
      this.#tell(engine, { type: 'failed', request: run.request, code, message, phase: 'connect' });
    }
  }

  #openRoute(engine: Link, run: RunMessage): Route {
    const layers = this.#shape?.layers ?? 0;
    const nextWorker = run.chain[run.rank + 1];
    if (nextWorker === undefined || run.strategy === 'single') return new Route(run, engine, [], undefined, layers);
    const next = this.#peers.get(nextWorker);
    if (!next || next.isClosed) throw new KvrError('LINK', `no link to worker ${nextWorker}`);
    return new Route(run, engine, [next], next, layers);
  }

  #cancel(request: number): void {
    this.#parking.end(request);
    if (this.#routes.has(request)) this.#compute.post({ type: 'cancel', request });
  }

  #onRows(connection: Connection, frame: KvFrame): void {
    if (connection.role !== 'peer') throw new KvrError('PROTOCOL', 'KV rows from a connection that is no peer');
    const route = this.#routes.get(frame.request);
    if (route) this.#route(route, frame, connection.link);
    else this.#parking.park(frame, connection.link);
  }

  /** Cut-through: the next rank gets the rows first, then our own compute thread. */
  #route(route: Route, rows: KvFrame, from: Link): void {
    const { relay } = route;
    if (relay) {
      route.relayRows(rows);
      if (relay.bufferedBytes > MAX_RELAY_BYTES) this.#pauseUntilSent(from, relay);
    }
    this.#compute.postRows(rows, relay === undefined);
    if (this.#compute.isBehind) from.pause();
  }

  #pauseUntilSent(from: Link, relay: Link): void {
    from.pause();
    const look = (): void => {
      if (from.isClosed || relay.isClosed || relay.bufferedBytes < MAX_RELAY_BYTES / 2) from.resume();
      else setTimeout(look, RELAY_LOOK_MS);
    };
    look();
  }

  #onCompute(message: FromCompute): void {
    switch (message.type) {
      case 'ready':
        return this.#onReady(message);
      case 'publish':
        return this.#publish(message);
      case 'drained':
        return this.#peers.forEach((link) => link.resume());
      case 'prefilled':
        return this.#onPrefilled(message);
      case 'failed':
        return this.#onFailed(message);
      case 'finished':
        return this.#end(message.request, message);
      case 'token': {
        const { logits, ...token } = message;
        const bytes = logits && new Uint8Array(logits.buffer);
        return this.#tellEngine(message.request, token, bytes);
      }
      case 'progress':
        return this.#tellEngine(message.request, message);
    }
  }

  #onReady(message: Extract<FromCompute, { type: 'ready' }>): void {
    const { threads } = this.#settings;
    this.#shape = message.shape;
    const ready = { type: 'ready', pid: process.pid, digest: message.digest, dtype: message.dtype, threads } as const;
    this.#ready = ready;
    for (const { role, link } of this.#connections) if (role !== 'unknown') this.#tell(link, ready);
  }

  #publish(rows: KvRows): void {
    const bytes = rows.payload.byteLength;
    const route = this.#routes.get(rows.request);
    const targets = route?.targets ?? [];
    let left = targets.length;
    if (left === 0) this.#compute.countSent(bytes);
    for (const target of targets) {
      const noteSent = route?.startSend(rows.layer, bytes);
      target.send({ kind: 'kv', ...rows }, () => {
        noteSent?.();
        if (--left === 0) this.#compute.countSent(bytes);
      });
    }
  }

  #onPrefilled(message: Extract<FromCompute, { type: 'prefilled' }>): void {
    const route = this.#routes.get(message.request);
    if (!route) return;
    route.whenSent(() => {
      this.#tell(route.engine, { ...message, timeline: route.complete(message.timeline) });
      // Only the last rank goes on; for the others the request is over once their rows have left.
      if (route.run.rank < route.run.chain.length - 1) this.#forget(message.request);
    });
  }

  #onFailed(message: Extract<FromCompute, { type: 'failed' }>): void {
    if (message.request !== undefined) return this.#end(message.request, { ...message, request: message.request });
    for (const { role, link } of this.#connections) if (role === 'engine') this.#tell(link, message);
  }

  #end(request: number, message: FromWorker): void {
    this.#tellEngine(request, message);
    this.#forget(request);
  }

  #forget(request: number): void {
    this.#routes.delete(request);
    this.#parking.end(request);
  }

  #tellEngine(request: number, message: FromWorker, payload?: Uint8Array<ArrayBuffer>): void {
    const route = this.#routes.get(request);
    if (route) this.#tell(route.engine, message, payload);
  }

  #tell(link: Link, message: FromWorker, payload?: Uint8Array<ArrayBuffer>): void {
    link.send(controlFrame(message, payload));
  }

  #send(link: Link, message: ToWorker): void {
    link.send(controlFrame(message));
  }

  #onLinkClosed(connection: Connection, error: Error | undefined): void {
    this.#connections.delete(connection);
    if (this.#peers.get(connection.worker) === connection.link) this.#peers.delete(connection.worker);
    for (const [request, route] of this.#routes) {
      if (route.engine === connection.link) this.#cancel(request);
      else if (connection.role === 'peer' && route.run.chain.includes(connection.worker)) {
        this.#failRoute(request, connection.worker, error);
      }
    }
  }

  #failRoute(request: number, worker: string, error: Error | undefined): void {
    const code = error instanceof KvrError && error.code === 'PROTOCOL' ? 'PROTOCOL' : 'LINK';
    const message = `link to worker ${worker}: ${error?.message ?? 'closed'}`;
    this.#cancel(request);
    this.#end(request, { type: 'failed', request, code, message, phase: 'prefill' });
  }

  #failAll(error: KvrError): void {
    const { code, message } = error;
    for (const { role, link } of this.#connections) {
      if (role === 'engine') this.#tell(link, { type: 'failed', code, message, phase: 'prefill' });
    }
    this.#onShutdown();
  }
}

/** How often a paused relay looks whether the next link has caught up. */
const RELAY_LOOK_MS = 2;
