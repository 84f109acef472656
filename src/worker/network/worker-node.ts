/**
 * The network thread of a worker, put together: it listens, starts the compute thread, and clears up behind links that end.
 * What comes in over links is in incoming-frames.ts, what the compute thread says in compute-messages.ts; rows go through
 * relay/rows-router.ts, links to other workers are in peers.ts.
 */
import { asKvrError, type KvrError } from '../../core/errors.js';
import { type Address, parseAddress } from '../../link/address.js';
import { StoredBlocks } from './stored-blocks.js';
import { COUNTER_BYTES, type FromCompute } from '../threads/thread-messages.js';
import { StoreHandle } from '../threads/store-handle.js';
import { ComputeHandle } from '../threads/compute-handle.js';
import { handleComputeMessage } from './compute-messages.js';
import { Connections } from './connections.js';
import type { Connection } from './door/connection.js';
import { Handshake } from './handshake.js';
import { type FrameHandlers, handleFrame } from './incoming-frames.js';
import { Joining } from './joining/joining.js';
import { Leaving } from './joining/leaving.js';
import { KeptOwners } from './kept-owners.js';
import type { TransportOf } from '../../link/open-transport.js';
import { Refusals } from './door/refusals.js';
import type { Link } from '../../link/link.js';
import type { Listener, OnCaller } from '../../link/transport.js';
import { ModelStatus } from './model-status.js';
import { Peers } from './peers.js';
import { Probes } from './probes.js';
import { Requests } from './requests.js';
import { send } from './send.js';
import { Silence, SWEEP_MS } from './door/silence.js';
import { RestingMemory } from '../../runtime/memory/resting-memory.js';
import { RowsRouter } from './relay/rows-router.js';
import type { WorkerSettings } from '../protocol/settings.js';

export class WorkerNode {
  #listener: Listener | undefined;
  readonly #compute: ComputeHandle;
  readonly #connections: Connections;
  readonly #peers = new Peers();
  readonly #requests: Requests;
  readonly #kept: KeptOwners;
  readonly #stored: StoredBlocks;
  readonly #store: StoreHandle | undefined;
  readonly #probes: Probes;
  readonly #handshake: Handshake;
  readonly #transportOf: TransportOf;
  readonly #refusals = new Refusals(tell);
  readonly #joining: Joining | undefined;
  readonly #leaving: Leaving<Link>;
  readonly #sweep: NodeJS.Timeout;

  /** @param onShutdown called when the worker must end, for the reason given */
  constructor(settings: WorkerSettings, transportOf: TransportOf, onShutdown: (reason: KvrError) => void) {
    const counters = new SharedArrayBuffer(COUNTER_BYTES);
    const onCompute = (message: FromCompute): void => handleComputeMessage(computeHandlers, message);
    const compute = new ComputeHandle(settings, onCompute, counters);
    const { prefixDisk, compiledFolder } = settings;
    const store = prefixDisk && new StoreHandle(prefixDisk, compiledFolder, counters);
    const stored = new StoredBlocks(() => compute.post({ type: 'storeOff' }));
    const connections = new Connections(settings.worker, {
      onFrame: (connection, frame) => handleFrame(handlers, connection, frame),
      onClose: (connection, error) => this.#onLinkClosed(connection, error),
    });
    const peers = this.#peers;
    const modelStatus = new ModelStatus(settings, connections, store?.id);
    const { budget } = connections;
    const rows = new RowsRouter(compute, peers, budget);
    const requests = new Requests(compute, rows, modelStatus);
    const probes = new Probes(compute, peers, requests, settings.chunkTokens);
    const kept = new KeptOwners(compute);
    const resting = new RestingMemory();
    const computeHandlers = { modelStatus, requests, rows, peers, probes, kept, stored, store, resting };
    const handshake = new Handshake(connections, peers, modelStatus, transportOf);
    const joining = joiningOf(settings, transportOf, connections, onShutdown);
    const leaving = new Leaving<Link>(() => rows.entries().length === 0 && connections.areSent);
    const handlers: FrameHandlers = {
      ...{ compute, handshake, requests, rows, peers, probes, budget, stored, joining, leaving },
    };
    this.#transportOf = transportOf;
    this.#compute = compute;
    this.#stored = stored;
    this.#store = store;
    this.#connections = connections;
    this.#requests = requests;
    this.#joining = joining;
    this.#leaving = leaving;
    this.#kept = kept;
    const silence = new Silence(connections);
    this.#probes = probes;
    this.#handshake = handshake;
    this.#sweep = setInterval(() => {
      silence.look();
      probes.look();
    }, SWEEP_MS);
    void compute.exited.then((error) => error && this.#failAll(asKvrError(error), onShutdown));
  }

  /** Starts listening. @returns the address, with the port the system chose where 0 was asked for. @throws BAD_INPUT */
  async listen(address: Address): Promise<Address> {
    const onCaller: OnCaller = (open, host) => this.#connections.admit(open, host);
    const onFull = (): void => this.#connections.closeOldestStranger();
    this.#listener = await this.#transportOf(address).listen(address, onCaller, onFull);
    return this.#listener.address;
  }

  /** Joins the engine that the settings name, if they do. @param bound where other workers may dial this one */
  join(bound: Address | undefined): void {
    if (bound?.kind !== 'tcp') return this.#joining?.start(undefined);
    const { host, port } = bound;
    this.#joining?.start({ port, ...(!isWildcard(host) && { host }) });
  }

  /** Takes nothing new, and settles when what is under way is done, or the signal is aborted. */
  async leave(signal: AbortSignal): Promise<void> {
    this.#joining?.stop();
    const engines = [...this.#connections.all].filter(({ role }) => role === 'engine');
    const tellEngine = (link: Link): void => send(link, { type: 'leaving' });
    await this.#leaving.leave(
      engines.map(({ link }) => link),
      tellEngine,
      signal,
    );
  }

  /** Stops listening, cancels everything and ends the compute thread. Settles when that thread is gone. */
  async close(): Promise<void> {
    this.#joining?.stop();
    this.#listener?.close();
    clearInterval(this.#sweep);
    this.#compute.post({ type: 'close' });
    this.#connections.closeAll();
    await Promise.all([this.#compute.exited, this.#store?.close()]);
  }

  /** What an engine left behind goes with it: its requests, vocabulary and kept rows, and the links for it. */
  #onLinkClosed(connection: Connection, error: Error | undefined): void {
    const { role, worker, engine, link, number } = connection;
    if (this.#joining?.owns(connection)) this.#joining.onClosed(connection, error);
    else this.#refusals.note(connection, error);
    this.#leaving.release(link);
    const owners = this.#connections.engineLinks(engine);
    const isLost = this.#peers.remove(connection, link, error);
    this.#requests.onLinkClosed(connection, owners, error);
    const reason = error?.message ?? 'closed';
    if (isLost) for (const owner of owners) send(owner, { type: 'peerLost', worker, reason });
    if (role !== 'engine') return;
    this.#compute.post({ type: 'forget', owner: number });
    this.#kept.leave(link);
    this.#stored.leave(link);
    this.#probes.leave(link);
    this.#handshake.leave(connection);
    if (owners.length === 0) this.#connections.closePeersOf(engine);
  }

  #failAll(reason: KvrError, onShutdown: (reason: KvrError) => void): void {
    const { code, message } = reason;
    this.#connections.sendToEngines({ type: 'failed', code, message, phase: 'prefill' });
    onShutdown(reason);
  }
}

function tell(words: string): void {
  process.stderr.write(`kvr worker: ${words}\n`);
}

function joiningOf(
  { join }: WorkerSettings,
  transportOf: TransportOf,
  connections: Connections,
  onRefused: (error: KvrError) => void,
): Joining | undefined {
  if (!join) return undefined;
  const address = parseAddress(join.address);
  const host = address.kind === 'tcp' ? address.host : undefined;
  return new Joining({
    ...{ address, name: join.name, transport: transportOf(address), tell, onRefused },
    adopt: (open) => connections.adopt(open, host),
  });
}

/** Listens at every address of the machine, so that none of them is where others find it. */
function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
