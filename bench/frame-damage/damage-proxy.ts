/**
 * A TCP proxy that counts frames and flips one bit of one of them.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { HEADER_BYTES } from '../../src/link/frame.js';
import type { Address } from '../../src/link/address.js';

export const REGIONS = ['header', 'meta', 'payload'] as const;
export type Region = (typeof REGIONS)[number];

/** What is to be damaged next, counted over all connections of all proxies. */
export class Damage {
  /** Frames since the last reset. */
  frames = 0;
  #target: { readonly frame: number; readonly region: Region; readonly random: () => number } | undefined;
  /** Where the bit was, once it is flipped. */
  flipped: Region | undefined;

  reset(): void {
    this.frames = 0;
    this.#target = undefined;
    this.flipped = undefined;
  }

  arm(frame: number, region: Region, random: () => number): void {
    this.reset();
    this.#target = { frame, region, random };
  }

  /** Called at the begin of a frame. @returns the bit to flip among the header's, or undefined */
  begin(frame: number): number | undefined {
    const target = this.#target;
    return target?.frame === frame && target.region === 'header'
      ? Math.floor(target.random() * 8 * HEADER_BYTES)
      : undefined;
  }

  /** Called once a frame's lengths are known. @returns the bit to flip among those of meta and payload, or undefined */
  body(frame: number, metaBytes: number, payloadBytes: number): number | undefined {
    const target = this.#target;
    if (target?.frame !== frame || target.region === 'header') return undefined;
    // Most messages have no payload: the next frame that has one.
    if (target.region === 'payload' && payloadBytes === 0) {
      this.#target = { ...target, frame: frame + 1 };
      return undefined;
    }
    const [start, bytes] = target.region === 'payload' ? [metaBytes, payloadBytes] : [0, metaBytes];
    return 8 * start + Math.floor(target.random() * 8 * bytes);
  }

  note(region: Region): void {
    this.flipped = region;
    this.#target = undefined;
  }
}

/** One direction of a connection: follows the frames in a stream of bytes. */
class Walk {
  readonly #damage: Damage;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #filled = 0;
  #frame = 0;
  #metaBytes = 0;
  #bodyLeft = 0;
  #bodyBytes = 0;
  #bit: number | undefined;

  constructor(damage: Damage) {
    this.#damage = damage;
  }

  /** Flips in place. */
  pass(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;)
      at += this.#bodyLeft > 0 ? this.#body(chunk, at) : this.#head(chunk, at);
  }

  #head(chunk: Buffer, at: number): number {
    if (this.#filled === 0) {
      this.#frame = this.#damage.frames++;
      this.#bit = this.#damage.begin(this.#frame);
    }
    const taken = Math.min(HEADER_BYTES - this.#filled, chunk.length - at);
    chunk.copy(this.#header, this.#filled, at, at + taken);
    this.#flip(chunk, at, this.#filled, taken, 'header');
    this.#filled += taken;
    if (this.#filled === HEADER_BYTES) this.#open();
    return taken;
  }

  #open(): void {
    this.#filled = 0;
    this.#metaBytes = this.#header.readUInt32LE(4);
    const payloadBytes = this.#header.readUInt32LE(8);
    this.#bodyLeft = this.#bodyBytes = this.#metaBytes + payloadBytes;
    this.#bit = this.#damage.body(this.#frame, this.#metaBytes, payloadBytes);
  }

  #body(chunk: Buffer, at: number): number {
    const from = this.#bodyBytes - this.#bodyLeft;
    const taken = Math.min(this.#bodyLeft, chunk.length - at);
    const isMeta = this.#bit !== undefined && this.#bit >> 3 < this.#metaBytes;
    this.#flip(chunk, at, from, taken, isMeta ? 'meta' : 'payload');
    this.#bodyLeft -= taken;
    return taken;
  }

  #flip(chunk: Buffer, at: number, from: number, taken: number, region: Region): void {
    const byte = this.#bit === undefined ? -1 : (this.#bit >> 3) - from;
    if (this.#bit === undefined || byte < 0 || byte >= taken) return;
    chunk[at + byte] = (chunk[at + byte] ?? 0) ^ (1 << (this.#bit & 7));
    this.#bit = undefined;
    this.#damage.note(region);
  }
}

export class DamageProxy {
  readonly address: string;
  readonly #close: () => void;

  private constructor(address: string, close: () => void) {
    this.address = address;
    this.#close = close;
  }

  static async start(target: Extract<Address, { kind: 'tcp' }>, damage: Damage): Promise<DamageProxy> {
    const open = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(target.port, target.host);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(from);
        const walk = new Walk(damage);
        from.setNoDelay(true);
        from.on('data', (chunk: Buffer) => {
          walk.pass(chunk);
          if (!to.write(chunk)) from.pause();
        });
        to.on('drain', () => from.resume());
        from.on('error', () => undefined);
        from.on('close', () => (open.delete(from), to.destroy()));
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    return new DamageProxy(`127.0.0.1:${port}`, () => {
      server.close();
      for (const socket of open) socket.destroy();
    });
  }

  close(): void {
    this.#close();
  }
}
