/**
 * Stands in for the tokenizer of a checkpoint that brings none: prompts are given as token ids, and answers show theirs as
 * ⟨id⟩. Text is refused with what to do, rather than read by a tokenizer that the model was not made with.
 */
import { KvrError } from '../core/errors.js';
import type { Piece, Pieces } from './token-pieces.js';
import { bytesOfPiece } from './token-pieces.js';
import { decodeAll, tokenStream } from './token-stream.js';
import type { Tokenizer } from './tokenizer.js';

/** @param refusal what encode and applyChat throw as BAD_CHECKPOINT: what is missing, and the remedy */
export function idsTokenizer(vocabulary: number, refusal: string): Tokenizer {
  const pieceOf = (id: number): Piece => ({ kind: 'text', text: `⟨${id}⟩` });
  const pieces: Pieces = { pieceOf, strip: { content: ' ', count: 0 } };
  const refuse = (): never => {
    throw new KvrError('BAD_CHECKPOINT', refusal);
  };
  return {
    vocabulary,
    hasChatTemplate: false,
    endId: undefined,
    toolTemplate: undefined,
    maxTokenChars: undefined,
    encode: refuse,
    applyChat: refuse,
    decode: (ids) => decodeAll(pieces, ids),
    bytesOf: (id) => bytesOfPiece(pieceOf(id)),
    nameOf: () => undefined,
    stream: () => tokenStream(pieces),
  };
}
