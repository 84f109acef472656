/**
 * Gives the engine's model to machines that ask for it. What one of them gets is in desk-visit.ts.
 */
import { basename, join } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { controlFrame } from '../../link/frame.js';
import type { OpenLink } from '../../link/transport.js';
import { readFileList } from '../../model/cache/index.js';
import { compiledKey } from '../../model/compile.js';
import { FORMAT_VERSION } from '../../model/compiled.js';
import { kernelKey } from '../../runtime/sessions/kernels.js';
import { DeskVisit, type Given } from './desk-visit.js';
import type { FetchMessage, FromDesk, OfferedModel } from './messages.js';

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

  /** @throws WORKER_REFUSED for kernels that want another packing, and what keeps the model from being compiled */
  async #given({ format, kernelKey: theirs }: FetchMessage): Promise<Given> {
    const { name: model, digest, dtype, chunkTokens } = this.#model;
    if (format !== FORMAT_VERSION || theirs !== kernelKey()) throw otherKernels(format, theirs);
    const folder = await this.#soundFolder();
    const listed = Object.entries((await readFileList(folder)) ?? {});
    if (basename(folder) !== compiledKey({ digest, dtype, kernelKey: theirs }) || listed.length === 0)
      throw new KvrError('INTERNAL', `${folder} is not the compiled model that was promised`);
    const files = listed.map(([name, { bytes, digest: own }]) => ({ name, bytes, digest: own }));
    const offer = { type: 'offer', kind: 'compiled', model, digest, dtype, chunkTokens, files } as const;
    return { offer, paths: files.map(({ name }) => join(folder, name)) };
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

function otherKernels(format: number, theirs: string): KvrError {
  const message =
    format === FORMAT_VERSION
      ? `that processor (${theirs}) wants weights packed otherwise than this one (${kernelKey()}); give the worker its --model`
      : `that worker reads compiled models of version ${format}, this one writes ${FORMAT_VERSION}; install the same version on both`;
  return new KvrError('WORKER_REFUSED', message);
}

function refuse(open: OpenLink): void {
  const link = open({ onFrame: () => undefined, onClose: () => undefined });
  const message = `${MAX_VISITS} machines fetch the model already, as many as may at once`;
  link.send(controlFrame({ type: 'refused', code: 'BUSY', message } satisfies FromDesk));
  link.close();
}
