/**
 * Frames: the unit that goes over every socket, and its encoding. Pure.
 *
 *   magic u16 | version u8 | kind u8 | metaBytes u32 | payloadBytes u32 | meta | payload      (little-endian)
 *
 * A control frame's meta is JSON; its reader checks it. A KV frame's meta says which rows of which
 * layer the payload holds: keys [rows, kvHeads·D] f32 or f16, then values likewise, token-major.
 */
import { KvrError } from '../core/errors.js';

export const PROTOCOL_VERSION = 2;
const MAGIC = 0x564b;
export const HEADER_BYTES = 12;
/** JSON of one message; ids travel as payload. */
export const MAX_META_BYTES = 1 << 20;
/** Logits of the largest vocabularies and ids of a million tokens fit. */
export const MAX_PAYLOAD_BYTES = 16 << 20;
/** KV frames are kept small, so that a relay forwards early and a slow link is never blocked for long. */
export const KV_FRAME_BYTES = 512 << 10;

export type ControlFrame = {
  readonly kind: 'control';
  readonly message: unknown;
  readonly payload: Uint8Array<ArrayBuffer>;
};
export type KvFrame = {
  readonly kind: 'kv';
  readonly request: number;
  readonly layer: number;
  /** First token of the rows, counted from the start of the context. */
  readonly start: number;
  readonly rows: number;
  readonly payload: Uint8Array<ArrayBuffer>;
};
export type Frame = ControlFrame | KvFrame;

const KINDS = { control: 1, kv: 2 } as const;
const KV_META_BYTES = 20;
const EMPTY = new Uint8Array(0);

export function controlFrame(message: unknown, payload: Uint8Array<ArrayBuffer> = EMPTY): ControlFrame {
  return { kind: 'control', message, payload };
}

/** @returns header and meta in one buffer; the payload is sent after it as it is, uncopied. */
export function encodeHead(frame: Frame): Uint8Array {
  const meta = frame.kind === 'control' ? Buffer.from(JSON.stringify(frame.message)) : encodeKvMeta(frame);
  checkBound('meta', meta.byteLength, MAX_META_BYTES);
  checkBound('payload', frame.payload.byteLength, MAX_PAYLOAD_BYTES);
  const head = Buffer.allocUnsafe(HEADER_BYTES + meta.byteLength);
  head.writeUInt16LE(MAGIC, 0);
  head.writeUInt8(PROTOCOL_VERSION, 2);
  head.writeUInt8(KINDS[frame.kind], 3);
  head.writeUInt32LE(meta.byteLength, 4);
  head.writeUInt32LE(frame.payload.byteLength, 8);
  head.set(meta, HEADER_BYTES);
  return head;
}

export function frameBytes(frame: Frame): number {
  return HEADER_BYTES + KV_META_BYTES + frame.payload.byteLength;
}

export type FrameHeader = {
  readonly kind: Frame['kind'];
  readonly metaBytes: number;
  readonly payloadBytes: number;
};

/** Reads the fixed 12 bytes. @throws PROTOCOL for anything that is not a header of this version within the bounds. */
export function decodeHeader(bytes: Buffer): FrameHeader {
  if (bytes.readUInt16LE(0) !== MAGIC)
    throw new KvrError('PROTOCOL', 'received bytes that are not a frame of kv-runahead');
  const version = bytes.readUInt8(2);
  if (version !== PROTOCOL_VERSION) {
    throw new KvrError(
      'PROTOCOL',
      `peer speaks protocol ${version}, this one ${PROTOCOL_VERSION}; install the same version on both`,
    );
  }
  const code = bytes.readUInt8(3);
  const kind = code === KINDS.control ? 'control' : code === KINDS.kv ? 'kv' : undefined;
  if (!kind) throw new KvrError('PROTOCOL', `received a frame of unknown kind ${code}`);
  const metaBytes = bytes.readUInt32LE(4);
  const payloadBytes = bytes.readUInt32LE(8);
  checkBound('meta', metaBytes, MAX_META_BYTES);
  checkBound('payload', payloadBytes, MAX_PAYLOAD_BYTES);
  if (kind === 'kv') checkKvSizes(metaBytes, payloadBytes);
  return { kind, metaBytes, payloadBytes };
}

/** Puts a frame together from its parts; the frame owns the payload. @throws PROTOCOL */
export function decodeFrame(header: FrameHeader, meta: Buffer, payload: Uint8Array<ArrayBuffer>): Frame {
  if (header.kind === 'control') return { kind: 'control', message: parseJson(meta), payload };
  return {
    kind: 'kv',
    request: meta.readDoubleLE(0),
    layer: meta.readUInt32LE(8),
    start: meta.readUInt32LE(12),
    rows: meta.readUInt32LE(16),
    payload,
  };
}

function encodeKvMeta(frame: KvFrame): Buffer {
  const meta = Buffer.allocUnsafe(KV_META_BYTES);
  meta.writeDoubleLE(frame.request, 0);
  meta.writeUInt32LE(frame.layer, 8);
  meta.writeUInt32LE(frame.start, 12);
  meta.writeUInt32LE(frame.rows, 16);
  return meta;
}

function checkKvSizes(metaBytes: number, payloadBytes: number): void {
  if (metaBytes !== KV_META_BYTES)
    throw new KvrError('PROTOCOL', `KV frame with ${metaBytes} bytes of meta, expected ${KV_META_BYTES}`);
  if (payloadBytes % 4 !== 0)
    throw new KvrError(
      'PROTOCOL',
      `KV frame with ${payloadBytes} bytes, which is not a multiple of 4: keys and values of the same size`,
    );
}

function parseJson(meta: Buffer): unknown {
  try {
    return JSON.parse(meta.toString('utf8'));
  } catch (error) {
    throw new KvrError('PROTOCOL', `control frame of ${meta.byteLength} bytes is not JSON`, {}, error);
  }
}

function checkBound(what: string, bytes: number, bound: number): void {
  if (bytes > bound)
    throw new KvrError('PROTOCOL', `frame ${what} of ${bytes} bytes exceeds the bound of ${bound}`);
}
