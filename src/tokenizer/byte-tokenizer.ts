/**
 * A tokenizer for models that bring none (synthetic weights): each UTF-8 byte is a token. Ids: 0 unknown, 1 BOS,
 * 2 EOS, 3 to 258 the bytes; larger ids exist in the model alone and show as ⟨id⟩. A vocabulary below 259 has too
 * few ids: bytes then wrap, id = 3 + byte mod (vocabulary - 3), and decode gives only the lowest byte of each id.
 */
import { KvrError } from '../core/errors.js';
import { bytesOfPiece, NOTHING } from './token-pieces.js';
import type { Piece, Pieces } from './token-pieces.js';
import { decodeAll, tokenStream } from './token-stream.js';
import { requireRoom } from './bounds/token-cap.js';
import type { Tokenizer } from './tokenizer.js';

const BOS = 1;
const FIRST_BYTE = 3;
const BYTES = 256;

/**
 * @param vocabulary ids of the model, at least 4
 * @returns a tokenizer without chat template; encode puts BOS first
 * @throws BAD_INPUT where the vocabulary leaves no id for bytes
 */
export function byteTokenizer(vocabulary: number): Tokenizer {
  if (!Number.isSafeInteger(vocabulary) || vocabulary <= FIRST_BYTE) {
    const least = FIRST_BYTE + 1;
    throw new KvrError(
      'BAD_INPUT',
      `vocabulary ${vocabulary} is too small for bytes; give at least ${least}`,
    );
  }
  const byteIds = Math.min(BYTES, vocabulary - FIRST_BYTE);
  const pieces: Pieces = { pieceOf: (id) => pieceOf(id, byteIds), strip: { content: ' ', count: 0 } };
  return {
    vocabulary,
    hasChatTemplate: false,
    endId: undefined,
    toolTemplate: undefined,
    // Each byte is a token, so a character is one at least.
    maxTokenChars: 1,
    encode: (text, maxTokens = Infinity, isPart = false) => {
      requireRoom(text, 1, maxTokens);
      const ids = isPart ? [] : [BOS];
      for (const byte of Buffer.from(text)) ids.push(FIRST_BYTE + (byte % byteIds));
      return ids;
    },
    decode: (ids) => decodeAll(pieces, ids),
    bytesOf: (id) => bytesOfPiece(pieceOf(id, byteIds)),
    nameOf: () => undefined,
    stream: (promptIds = []) => {
      const stream = tokenStream(pieces);
      for (const id of promptIds) stream.push(id);
      return stream;
    },
    applyChat: () => {
      throw new KvrError('BAD_INPUT', 'the model has no chat template; use `generate` with a plain prompt');
    },
  };
}

function pieceOf(id: number, byteIds: number): Piece {
  if (id < FIRST_BYTE) return NOTHING;
  if (id < FIRST_BYTE + byteIds) return { kind: 'bytes', bytes: Uint8Array.of(id - FIRST_BYTE) };
  return { kind: 'text', text: `⟨${id}⟩` };
}
