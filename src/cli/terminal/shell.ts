/**
 * What a command may touch of the process it runs in: its streams, and the signal that tells it to stop. Made once in
 * main.ts; tests make their own.
 */
import type { Readable } from 'node:stream';

/** A stream that people or programs read. */
export type Output = {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Cells in a line; 80 where it is no terminal. */
  readonly columns: number;
  readonly hasColours: boolean;
};

export type Shell = {
  readonly input: Readable & { readonly isTTY?: boolean };
  /** What the command was asked for: text, or one JSON document. */
  readonly stdout: Output;
  /** Everything else: progress, pictures, errors. */
  readonly stderr: Output;
  /** Aborted by Ctrl-C, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
};

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_COLUMNS = 80;

/** Wraps a stream of the process. NO_COLOR (no-color.org) and TERM=dumb turn colours off. */
export function outputOf(stream: NodeJS.WriteStream, environment: Environment = process.env): Output {
  const isTerminal = stream.isTTY === true;
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    get columns() {
      // Some terminals do not know their width and report 0.
      return stream.columns || DEFAULT_COLUMNS;
    },
    hasColours: isTerminal && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb',
  };
}

/** Waits until everything written has left the process, or can not leave any more. */
export function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}
