/**
 * The compiled model that local workers run from. One that is gone or damaged is made again before workers start; the weights
 * are read once more beside the workers, since that takes a second for 2 GB, and no answer leaves before it is known that
 * they are whole.
 */
import { asKvrError } from '../../core/errors.js';
import type { FilesState, WorkerFiles } from '../../cluster/worker-files.js';
import { damageWords, discardFolder, findDamage, type OnDamage } from '../../model/cache/index.js';

export type CompiledFilesOptions = {
  /** True where a folder is there whose graphs are whole: a matter of milliseconds. */
  readonly hasSoundGraphs: (folder: string) => Promise<boolean>;
  /** Makes the compiled folder where it is missing. @returns its path */
  readonly compile: (signal?: AbortSignal) => Promise<string>;
  readonly onDamage: OnDamage;
};

export class CompiledFiles implements WorkerFiles {
  readonly #options: CompiledFilesOptions;
  readonly #closing = new AbortController();
  #state: CompiledState | undefined;
  #opening: Promise<CompiledState> | undefined;

  constructor(options: CompiledFilesOptions) {
    this.#options = options;
  }

  /** Workers that are started at the same time get the same. */
  open(signal?: AbortSignal): Promise<FilesState> {
    this.#opening ??= this.#current(signal).finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  close(): void {
    this.#closing.abort();
  }

  async #current(signal?: AbortSignal): Promise<CompiledState> {
    const { hasSoundGraphs, compile, onDamage } = this.#options;
    const state = this.#state;
    if (state && !state.isDamaged && (await hasSoundGraphs(state.folder))) return state;
    this.#state = new CompiledState(await compile(signal), onDamage, this.#closing.signal);
    return this.#state;
  }
}

class CompiledState implements FilesState {
  readonly folder: string;
  /** Known to be. */
  isDamaged = false;
  readonly #onDamage: OnDamage;
  readonly #closing: AbortSignal;
  #checking: Promise<boolean> | undefined;

  constructor(folder: string, onDamage: OnDamage, closing: AbortSignal) {
    this.folder = folder;
    this.#onDamage = onDamage;
    this.#closing = closing;
  }

  isSound(): Promise<boolean> {
    this.#checking ??= this.#check();
    return this.#checking;
  }

  /** Takes damaged files away before anybody hears of it, so that the next workers do not start from them. */
  async #check(): Promise<boolean> {
    const damage = await this.#damage();
    if (damage === undefined) return true;
    this.isDamaged = true;
    if (this.#closing.aborted) return false;
    this.#onDamage(damageWords(this.folder, damage));
    await this.#discard();
    return false;
  }

  /** Where that can not be done, as on a disk that is only read, the next workers end in the same way. */
  async #discard(): Promise<void> {
    try {
      await discardFolder(this.folder);
    } catch (error) {
      this.#onDamage(`${this.folder} can not be removed: ${asKvrError(error).message}; remove it by hand`);
    }
  }

  /** What can not be read is as good as damaged: workers that were started from it again would end again. */
  async #damage(): Promise<string | undefined> {
    try {
      return await findDamage(this.folder, { signal: this.#closing });
    } catch (error) {
      return `it can not be read: ${asKvrError(error).message}`;
    }
  }
}
