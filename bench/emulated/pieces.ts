/**
 * Emulated pieces, which take minutes each, are kept in a folder so that a run that was ended goes on where it was.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dtype } from '../../src/core/shape.js';
import type { BenchCell, MachineFacts } from '../../src/evaluation/bench/index.js';

const FOLDER = join('build', 'emulated');

/** One model at one length, all strategies and clusters, one round. */
export type Piece = {
  readonly name: string;
  readonly layers: number;
  readonly contextTokens: number;
  readonly dtype: Dtype;
  readonly machine: MachineFacts;
  readonly tookMs: number;
  readonly cells: readonly Omit<BenchCell, 'timeline' | 'runsMs'>[];
};

export type PieceKey = Pick<Piece, 'name' | 'dtype' | 'layers' | 'contextTokens'> & {
  readonly round: number;
};

/** @returns undefined where the piece was not kept yet */
export async function keptPiece(key: PieceKey): Promise<Piece | undefined> {
  try {
    return JSON.parse(await readFile(pathOf(key), 'utf8')) as Piece;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function keepPiece(key: PieceKey, piece: Piece): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await writeFile(pathOf(key), JSON.stringify(piece));
}

export async function allPieces(): Promise<Piece[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.json'));
  return Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as Piece),
  );
}

function pathOf({ name, dtype, layers, contextTokens, round }: PieceKey): string {
  return join(FOLDER, `${name}-${dtype}-${layers}-${contextTokens}-${round}.json`);
}
