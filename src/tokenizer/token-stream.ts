/**
 * Incremental decoding: token ids in, text out as soon as it is certain. Keeps at most one unfinished UTF-8
 * character and never looks back, so a token costs the same at the end of a long text as at its start.
 * Knows no tokenizer format; used by the tokenizers for streams and for whole texts alike.
 */
import type { LeadingStrip, Piece, Pieces } from './token-pieces.js';

export interface TokenStream {
  /**
   * Text that this token makes certain, '' where it only begins a character. Never ends within a UTF-8 character;
   * U+FFFD stands for bytes that no later token can complete.
   */
  push(id: number): string;
  /** What is left, U+FFFD for an unfinished character. Afterwards the stream goes on where it was. */
  end(): string;
}

/** A stream at the beginning of a text. */
export function tokenStream(pieces: Pieces): TokenStream {
  return new PieceStream(pieces);
}

/** The text of all ids at once. */
export function decodeAll(pieces: Pieces, ids: Iterable<number>): string {
  const stream = tokenStream(pieces);
  let text = '';
  for (const id of ids) text += stream.push(id);
  return text + stream.end();
}

class PieceStream implements TokenStream {
  readonly #pieces: Pieces;
  readonly #strip: LeadingStrip;
  /** A byte order mark is text of the model's like any other, so it is kept. */
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  #stripsLeft: number;

  #begun = false;

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
    this.#strip = pieces.strip;
    this.#stripsLeft = pieces.strip.count;
  }

  push(id: number): string {
    const piece = this.#pieceOf(id);
    this.#begun ||= piece.kind !== 'nothing';
    switch (piece.kind) {
      case 'nothing':
        return '';
      case 'bytes':
        return this.#withoutLeading(this.#utf8.decode(piece.bytes, { stream: true }));
      case 'text':
        return this.#withoutLeading(this.#utf8.decode() + piece.text);
    }
  }

  end(): string {
    return this.#withoutLeading(this.#utf8.decode());
  }

  #pieceOf(id: number): Piece {
    const { pieceOf, firstPieceOf } = this.#pieces;
    return this.#begun || firstPieceOf === undefined ? pieceOf(id) : firstPieceOf(id);
  }

  #withoutLeading(text: string): string {
    let start = 0;
    while (this.#stripsLeft > 0 && start < text.length) {
      if (text[start] !== this.#strip.content) this.#stripsLeft = 0;
      else {
        this.#stripsLeft -= 1;
        start += 1;
      }
    }
    return text.slice(start);
  }
}
