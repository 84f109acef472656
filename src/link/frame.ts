/**
 * Frames: the unit that goes over every socket, and its encoding. Pure.
 *
 *   magic u16 | version u8 | kind u8 | metaBytes u32 | payloadBytes u32 | bodySum u32 | headSum u32 | meta | payload
 *
 * All little-endian. headSum is over the 16 bytes before it, so that a damaged length is found before anyone waits for bytes
 * that never come. bodySum is over meta and payload where kind has the bit CHECKSUMMED, else 0: links that can be damaged
 * (address.ts says which) send it and take no frame without it.
 *
 * A control frame's meta is JSON; its reader checks it. A KV frame's meta says which rows of which
 * layer the payload holds: keys [rows, kvHeads·D] in the request's element type, then values likewise, token-major.
 */
import { KvrError } from '../core/errors.js';
import { checksumOf } from './checksum.js';

export const PROTOCOL_VERSION = 3;
const MAGIC = 0x564b;
export const HEADER_BYTES = 20;
const HEAD_SUM_AT = 16;
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
  /** The bodySum it came with. A relay sends it on as it is, so that damage on the relay itself is found, too. */
  readonly bodySum?: number;
};
export type Frame = ControlFrame | KvFrame;

const KINDS = { control: 1, kv: 2 } as const;
/** A bit beside the kind. */
const CHECKSUMMED = 0x80;
const KV_META_BYTES = 20;
const EMPTY = new Uint8Array(0);

export function controlFrame(message: unknown, payload: Uint8Array<ArrayBuffer> = EMPTY): ControlFrame {
  return { kind: 'control', message, payload };
}

/**
 * @param isChecksummed whether bodySum is computed, or taken from a frame that came with one
 * @returns header and meta in one buffer; the payload is sent after it as it is, uncopied
 */
export function encodeHead(frame: Frame, isChecksummed: boolean): Uint8Array {
  const meta = frame.kind === 'control' ? Buffer.from(JSON.stringify(frame.message)) : encodeKvMeta(frame);
  checkBound('meta', meta.byteLength, MAX_META_BYTES);
  checkBound('payload', frame.payload.byteLength, MAX_PAYLOAD_BYTES);
  const head = Buffer.allocUnsafe(HEADER_BYTES + meta.byteLength);
  head.writeUInt16LE(MAGIC, 0);
  head.writeUInt8(PROTOCOL_VERSION, 2);
  head.writeUInt8(KINDS[frame.kind] | (isChecksummed ? CHECKSUMMED : 0), 3);
  head.writeUInt32LE(meta.byteLength, 4);
  head.writeUInt32LE(frame.payload.byteLength, 8);
  head.writeUInt32LE(isChecksummed ? bodySumOf(frame, meta) : 0, 12);
  head.writeUInt32LE(headSumOf(head), HEAD_SUM_AT);
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
  /** Undefined where the frame has none. */
  readonly bodySum: number | undefined;
};

/**
 * Reads the fixed 20 bytes. @throws LINK for a damaged header, PROTOCOL for anything else that is not a header of this version
 * within the bounds.
 */
export function decodeHeader(bytes: Buffer): FrameHeader {
  checkHead(bytes);
  const code = bytes.readUInt8(3) & ~CHECKSUMMED;
  const kind = code === KINDS.control ? 'control' : code === KINDS.kv ? 'kv' : undefined;
  if (!kind) throw new KvrError('PROTOCOL', `received a frame of unknown kind ${code}`);
  const metaBytes = bytes.readUInt32LE(4);
  const payloadBytes = bytes.readUInt32LE(8);
  checkBound('meta', metaBytes, MAX_META_BYTES);
  checkBound('payload', payloadBytes, MAX_PAYLOAD_BYTES);
  if (kind === 'kv') checkKvSizes(metaBytes, payloadBytes);
  const bodySum = bytes.readUInt8(3) & CHECKSUMMED ? bytes.readUInt32LE(12) : undefined;
  return { kind, metaBytes, payloadBytes, bodySum };
}

/** Puts a frame together from its parts; the frame owns the payload. @throws LINK for damage, PROTOCOL */
export function decodeFrame(header: FrameHeader, meta: Buffer, payload: Uint8Array<ArrayBuffer>): Frame {
  const { kind, bodySum } = header;
  if (bodySum !== undefined && checksumOf(meta, payload) !== bodySum) throw damaged(`${kind} frame`);
  if (kind === 'control') return { kind, message: parseJson(meta), payload };
  return {
    kind,
    request: meta.readDoubleLE(0),
    layer: meta.readUInt32LE(8),
    start: meta.readUInt32LE(12),
    rows: meta.readUInt32LE(16),
    payload,
    ...(bodySum !== undefined && { bodySum }),
  };
}

/** The error of a frame whose bytes are not those that were sent. */
function damaged(what: string): KvrError {
  return new KvrError('LINK', `damaged frame (checksum): the ${what} is not what was sent`);
}

/** A header of ours with damage anywhere is told from one of another version and from bytes of another protocol. */
function checkHead(bytes: Buffer): void {
  const version = bytes.readUInt8(2);
  const isMagic = bytes.readUInt16LE(0) === MAGIC;
  const isSound = headSumOf(bytes) === bytes.readUInt32LE(HEAD_SUM_AT);
  if (isSound && isMagic && version === PROTOCOL_VERSION) return;
  if (isSound || (isMagic && version === PROTOCOL_VERSION)) throw damaged('header of a frame');
  if (!isMagic) throw new KvrError('PROTOCOL', 'received bytes that are not a frame of kv-runahead');
  throw new KvrError(
    'PROTOCOL',
    `peer speaks protocol ${version}, this one ${PROTOCOL_VERSION}; install the same version on both`,
  );
}

const OPENING = Uint8Array.of(MAGIC & 0xff, MAGIC >> 8, PROTOCOL_VERSION);

/** Counts magic and version as they have to be: a header in which only they are wrong is a damaged one of ours. */
function headSumOf(head: Uint8Array): number {
  return checksumOf(OPENING, head.subarray(OPENING.byteLength, HEAD_SUM_AT));
}

function bodySumOf(frame: Frame, meta: Uint8Array): number {
  const known = frame.kind === 'kv' ? frame.bodySum : undefined;
  return known ?? checksumOf(meta, frame.payload);
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
