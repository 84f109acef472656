/**
 * What strangers do at a worker's port, each kind as a function over a connected socket.
 */
import type { Socket } from 'node:net';
import { checksumOf } from '../../src/link/checksum.js';
import { controlFrame, encodeHead, HEADER_BYTES, KV_FRAME_BYTES } from '../../src/link/frame.js';

/** A connection to the worker, and more of them for kinds that need two. */
export type Stranger = {
  readonly socket: Socket;
  readonly number: number;
  readonly random: () => number;
  /** Another connection, destroyed with the first. */
  readonly another: () => Socket;
};

const FLOOD = 40;
const DRIP_MS = 100;
const BIG_BYTES = 1 << 20;

export const KINDS: Readonly<Record<string, (stranger: Stranger) => void>> = {
  silent: () => undefined,
  garbage: ({ socket, random }) =>
    write(socket, Buffer.from(Array.from({ length: 300 }, () => random() * 256))),
  'half a frame': ({ socket }) => write(socket, hello('engine', 'x').subarray(0, HEADER_BYTES + 5)),
  'huge sizes': ({ socket }) => {
    write(socket, sealed(1 << 20, 16 << 20));
    write(socket, Buffer.alloc(BIG_BYTES));
  },
  'hello, then silence': ({ socket, number }) => write(socket, hello('engine', `engine-${number}`)),
  probes: ({ socket, number }) => {
    write(socket, hello('engine', `engine-${number}`));
    for (let probe = 0; probe < FLOOD; probe++) {
      const attention = [{ tokens: 128, prefixTokens: 2048 }];
      say(socket, { type: 'probe', probe, blockTokens: [128], attention, kvDtype: 'f32', repeats: 3 });
    }
  },
  'early rows': ({ socket, number, another }) => {
    const engine = `engine-${number}`;
    write(socket, hello('engine', engine));
    // The worker has read the first hello by then.
    socket.once('data', () => {
      const peer = another();
      write(peer, hello('peer', 'x', engine));
      for (let frame = 0; frame < 8; frame++) {
        const payload = new Uint8Array(KV_FRAME_BYTES);
        const rows = { kind: 'kv', request: 1 + number, layer: 0, start: 0, rows: 1, payload } as const;
        write(peer, encodeHead(rows, true));
        write(peer, payload);
      }
    });
  },
  vocabularies: ({ socket, number }) => {
    write(socket, hello('engine', `engine-${number}`));
    for (let count = 0; count < 4; count++)
      say(socket, { type: 'vocabulary', tokens: 1000 }, new Uint8Array(BIG_BYTES));
  },
  connects: ({ socket, number }) => {
    write(socket, hello('engine', `engine-${number}`));
    for (let count = 0; count < FLOOD; count++) {
      const peers = Array.from({ length: 30 }, (_, at) => ({
        worker: `w${at}`,
        address: `127.0.0.1:${1 + at}`,
      }));
      say(socket, { type: 'connect', peers });
    }
  },
  drip: ({ socket, number }) => {
    const bytes = hello('engine', `engine-${number}`);
    let at = 0;
    const timer = setInterval(() => write(socket, bytes.subarray(at, ++at)), DRIP_MS);
    socket.on('close', () => clearInterval(timer));
  },
};

function write(socket: Socket, bytes: Uint8Array): void {
  if (!socket.destroyed) socket.write(bytes);
}

function say(socket: Socket, message: object, payload?: Uint8Array<ArrayBuffer>): void {
  write(socket, encodeHead(controlFrame(message, payload), true));
  if (payload) write(socket, payload);
}

function hello(role: 'engine' | 'peer', worker: string, engine?: string): Uint8Array {
  return encodeHead(controlFrame({ type: 'hello', role, worker, engine }), true);
}

/** A sound header that claims so much. */
function sealed(metaBytes: number, payloadBytes: number): Buffer {
  const head = Buffer.from(encodeHead(controlFrame({}), true).subarray(0, HEADER_BYTES));
  head.writeUInt32LE(metaBytes, 4);
  head.writeUInt32LE(payloadBytes, 8);
  head.writeUInt32LE(checksumOf(head.subarray(0, 16)), 16);
  return head;
}
