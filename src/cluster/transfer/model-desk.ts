/**
 * Gives the engine's model to machines that ask for it. What one of them gets is in desk-visit.ts.
 */
import { basename, join } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { controlFrame } from '../../link/frame.js';
import type { OpenLink } from '../../link/transport.js';
import { fileDigest, readFileList } from '../../model/cache/index.js';
import { compiledKey } from '../../model/compile.js';
import { FORMAT_VERSION } from '../../model/compiled.js';
import { kernelKey } from '../../runtime/sessions/kernels.js';
import { DeskVisit, type Given } from './desk-visit.js';
import type { FetchMessage, FromDesk, Offer, OfferedModel } from './messages.js';

/** Where the compiled model is, made when it is asked for. */
export type ModelFiles = {
  open(signal?: AbortSignal): Promise<{ readonly folder: string; isSound(): Promise<boolean> }>;
};

/** Machines that fetch at once: they share one thread of the engine and one link. */
export const MAX_VISITS = 16;
/** Files that are damaged are made again as often, before nobody gets them. */
const SOUND_ATTEMPTS = 3;

export type DeskCaller = {
  readonly message: FetchMessage;
  readonly host: string | undefined;
  readonly open: OpenLink;
};

export class ModelDesk {
  readonly #model: OfferedModel;
  readonly #files: ModelFiles;
  readonly #tell: (words: string) => void;
  readonly #visits = new Set<DeskVisit>();
  readonly #closing = new AbortController();

  constructor(model: OfferedModel, files: ModelFiles, tell: (words: string) => void) {
    this.#model = model;
    this.#files = files;
    this.#tell = tell;
  }

  serve({ message, host, open }: DeskCaller): void {
    if (this.#visits.size >= MAX_VISITS) return refuse(open);
    const visit: DeskVisit = new DeskVisit(open, {
      to: host ?? 'this machine',
      prepare: () => this.#given(message),
      onEnd: () => this.#visits.delete(visit),
      tell: this.#tell,
    });
    this.#visits.add(visit);
  }

  close(): void {
    this.#closing.abort();
    for (const visit of this.#visits) visit.close();
  }

  /** @throws what keeps the model from being compiled, or read */
  #given({ format, kernelKey: theirs }: FetchMessage): Promise<Given> {
    return format === FORMAT_VERSION && theirs === kernelKey() ? this.#compiled() : this.#checkpoint();
  }

  async #compiled(): Promise<Given> {
    const folder = await this.#soundFolder();
    const listed = Object.entries((await readFileList(folder)) ?? {});
    if (basename(folder) !== compiledKey({ ...this.#model, kernelKey: kernelKey() }) || listed.length === 0)
      throw new KvrError('INTERNAL', `${folder} is not the compiled model that was promised`);
    const files = listed.map(([name, { bytes, digest }]) => ({ name, bytes, digest }));
    return { offer: this.#offer('compiled', files), paths: files.map(({ name }) => join(folder, name)) };
  }

  /** Other processors want weights packed otherwise: their machines compile what this one did. */
  async #checkpoint(): Promise<Given> {
    const paths = this.#model.checkpointFiles;
    if (!paths) return { offer: this.#offer('named', []), paths: [] };
    const files: Offer['files'] = [];
    // One after the other: each is read in full.
    for (const path of paths)
      files.push({ name: basename(path), ...(await fileDigest(path, this.#closing.signal)) });
    return { offer: this.#offer('checkpoint', files), paths };
  }

  #offer(kind: Offer['kind'], files: Offer['files']): Offer {
    const { name: model, digest, dtype, chunkTokens } = this.#model;
    return { type: 'offer', kind, model, digest, dtype, chunkTokens, files };
  }

  /** Every byte is compared before any of them is given. */
  async #soundFolder(): Promise<string> {
    for (let attempt = 0; attempt < SOUND_ATTEMPTS; attempt++) {
      const state = await this.#files.open(this.#closing.signal);
      if (await state.isSound()) return state.folder;
    }
    throw new KvrError(
      'CACHE_DAMAGED',
      `the compiled model is damaged on disk, ${SOUND_ATTEMPTS} times in a row`,
    );
  }
}

function refuse(open: OpenLink): void {
  const link = open({ onFrame: () => undefined, onClose: () => undefined });
  const message = `${MAX_VISITS} machines fetch the model already, as many as may at once`;
  link.send(controlFrame({ type: 'refused', code: 'BUSY', message } satisfies FromDesk));
  link.close();
}
