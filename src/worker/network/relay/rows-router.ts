/**
 * Where rows go: from the compute thread to the ranks that need them, from other ranks to the compute thread and,
 * along a chain, on to the next rank the moment they arrive. Every buffer on the way is bounded; over a bound the
 * link that fills it is paused, so that the sender's side holds the rest.
 */
import { KvrError } from '../../../core/errors.js';
import type { ModelShape } from '../../../core/shape.js';
import { strategyOf } from '../../../core/strategy.js';
import type { KvFrame } from '../../../link/frame.js';
import type { Link } from '../../../link/link.js';
import type { ComputeHandle } from '../../threads/compute-handle.js';
import type { Holder, MemoryBudget } from '../door/memory-budget.js';
import { EarlyFrames } from './early-frames.js';
import type { RunMessage } from '../../protocol/index.js';
import { type EngineEnd, Route } from './route.js';
import type { KvRows } from '../../threads/thread-messages.js';

/** Others' rows that may wait for a slow next link before their own link is paused. */
const MAX_RELAY_BYTES = 64 << 20;
/** How often a paused relay looks whether the next link has caught up. */
const RELAY_LOOK_MS = 2;

/** Whose link it is and whom it leads to. */
export type PeerName = { readonly engine: string; readonly worker: string };
/** @throws LINK where there is no open link to that worker */
export type PeerLinks = { linkTo(peer: PeerName): Link };

export class RowsRouter {
  readonly #compute: ComputeHandle;
  readonly #peers: PeerLinks;
  readonly #routes = new Map<number, Route>();
  readonly #earlyFrames: EarlyFrames;

  constructor(compute: ComputeHandle, peers: PeerLinks, budget: MemoryBudget) {
    this.#earlyFrames = new EarlyFrames(budget);
    this.#compute = compute;
    this.#peers = peers;
  }

  get(request: number): Route | undefined {
    return this.#routes.get(request);
  }

  entries(): [number, Route][] {
    return [...this.#routes];
  }

  /** The route of a request over its engine's links. @throws LINK where a link that it needs is missing, PROTOCOL */
  open(engine: EngineEnd, run: RunMessage, shape: ModelShape): Route {
    const { spec, chain, rank } = run;
    const linkTo = (worker: string): Link => this.#peers.linkTo({ engine: engine.worker, worker });
    if (this.#routes.has(run.request)) throw new KvrError('PROTOCOL', `request ${run.request} runs already`);
    const { topology } = strategyOf(spec.strategy);
    if (topology === 'none') return new Route(run, engine, [], undefined, shape);
    if (topology === 'gather') {
      const others = chain.filter((_, other) => other !== rank).map(linkTo);
      return new Route(run, engine, others, undefined, shape);
    }
    const next = chain[rank + 1];
    const link = next === undefined ? undefined : linkTo(next);
    return new Route(run, engine, link ? [link] : [], link, shape);
  }

  /** Registers a route and passes on the frames that came before it. */
  start(route: Route): void {
    const { request } = route.run;
    this.#routes.set(request, route);
    for (const { frame, from } of this.#earlyFrames.take(request))
      if (route.owner === from.engine) this.#route(route, frame, from.link);
  }

  /** Rows that came from a peer. @throws PROTOCOL where they are for a request of another engine */
  receive(frame: KvFrame, from: Holder): void {
    const route = this.#routes.get(frame.request);
    if (route && route.owner !== from.engine)
      throw new KvrError('PROTOCOL', `rows for request ${frame.request}, which is another engine's`);
    if (route) this.#route(route, frame, from.link);
    else this.#earlyFrames.hold(frame, from);
  }

  /** Own rows, from the compute thread, to every rank that needs them. */
  publish(rows: KvRows): void {
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

  /** An engine stops a request, if it is its own. */
  cancelFor(engine: Link, request: number): void {
    const route = this.#routes.get(request);
    if (!route || route.engine === engine) this.cancel(request);
  }

  /** Stops a request's work here; rows that arrive later are dropped. The compute thread says when it is over. */
  cancel(request: number): void {
    this.#earlyFrames.end(request);
    if (this.#routes.has(request)) this.#compute.post({ type: 'cancel', request });
  }

  forget(request: number): void {
    this.#routes.delete(request);
    this.#earlyFrames.end(request);
  }

  /** Drops early frames of a link that has ended. */
  leave(link: Link): void {
    this.#earlyFrames.leave(link);
  }

  /** Cut-through: the next rank gets the rows first, then our own compute thread. */
  #route(route: Route, rows: KvFrame, from: Link): void {
    const { relay } = route;
    route.receiveRows(rows);
    if (relay && relay.bufferedBytes > MAX_RELAY_BYTES)
      pauseUntilSent(from, relay, () => this.#routes.get(rows.request) === route);
    this.#compute.postRows(rows, relay === undefined);
    if (this.#compute.isBehind) from.pause();
  }
}

/** A request that has ended holds nobody up: an engine takes its chain as gone, and may run others that cross it. */
function pauseUntilSent(from: Link, relay: Link, isWanted: () => boolean): void {
  from.pause();
  const look = (): void => {
    const isSent = relay.bufferedBytes < MAX_RELAY_BYTES / 2;
    if (from.isClosed || relay.isClosed || isSent || !isWanted()) from.resume();
    else setTimeout(look, RELAY_LOOK_MS);
  };
  look();
}
