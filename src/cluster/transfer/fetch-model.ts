/**
 * Gets the model that an engine's workers run: from the cache of this machine, else from the engine, into the cache, however often
 * the link breaks. Called by `kvr worker --join`.
 */
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { asKvrError, KvrError } from '../../core/errors.js';
import { type Address, formatAddress } from '../../link/address.js';
import { retryWaitMs } from '../../link/reach/retry-wait.js';
import type { Transport } from '../../link/transport.js';
import { makeFolder, publishSound, readFileList } from '../../model/cache/index.js';
import { compiledKey } from '../../model/compile.js';
import { FORMAT_VERSION } from '../../model/compiled.js';
import { DeskLink } from './desk-link.js';
import { fetchFiles } from './fetch-files.js';
import { checkFetch, type FetchLimits } from './fetch-limits.js';
import type { Offer } from './messages.js';
import { speedWords } from './told-parts.js';

export type FetchOptions = FetchLimits & {
  /** The engine's. */
  readonly address: Address;
  readonly transport: Pick<Transport, 'dial'>;
  readonly cacheFolder: string;
  /** How this machine's kernels want weights packed. */
  readonly kernelKey: string;
  /** Looks at the offer before anything is fetched. @throws where it is not what was asked for */
  readonly checkOffer: (offer: Offer) => void;
  readonly signal: AbortSignal;
  readonly onProgress: (what: string, fraction: number) => void;
  /** Gets a line about what is done, and about what is in its way. */
  readonly tell: (words: string) => void;
};

/** What is fetched, and where it is now: compiled, or the checkpoint, or nowhere where the name of the model says all. */
export type FetchedModel = { readonly offer: Offer; readonly folder: string };

/**
 * Dials until somebody is there. @throws CANCELLED, CACHE_UNWRITABLE, DISK_FULL, CACHE_DAMAGED, WORKER_REFUSED, BAD_INPUT where this
 * machine must not fetch, and the reason of a refusal
 */
export async function fetchModel(options: FetchOptions): Promise<FetchedModel> {
  let told = '';
  for (let failures = 1; ; failures++) {
    const visit: Visit = { bytes: 0 };
    try {
      return await tryToFetch(options, visit);
    } catch (error) {
      const { message } = passing(error, options.signal);
      if (visit.bytes > 0) failures = 1;
      if (message !== told) options.tell(`${message}; dials again`);
      told = message;
    }
    await pause(retryWaitMs(failures), undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** Bytes that came over one connection. */
type Visit = { bytes: number };

/** @returns the error of a link that broke, or of a server that is not there yet. @throws all others */
function passing(error: unknown, signal: AbortSignal): KvrError {
  if (signal.aborted) throw new KvrError('CANCELLED', 'fetching the model was cancelled', {}, error);
  const known = asKvrError(error);
  if (known.code !== 'LINK' || known.fields['isRefusal']) throw error;
  return known;
}

async function tryToFetch(options: FetchOptions, visit: Visit): Promise<FetchedModel> {
  const { address, transport, kernelKey, signal } = options;
  const wanted = { type: 'fetch', format: FORMAT_VERSION, kernelKey } as const;
  const desk = await DeskLink.open(address, transport, wanted, signal);
  try {
    const { message: offer } = await desk.next();
    if (offer.type !== 'offer') throw new KvrError('PROTOCOL', `got ${offer.type} before there was an offer`);
    options.checkOffer(offer);
    return { offer, folder: await publishOffered(desk, offer, options, visit) };
  } finally {
    desk.close();
  }
}

/** The name of what is offered in the cache of any machine. */
function keyOf(offer: Offer, kernelKey: string): string {
  return offer.kind === 'compiled'
    ? compiledKey({ ...offer, kernelKey })
    : `${offer.digest.slice(0, 24)}-checkpoint`;
}

/** Who else on this machine fetches or compiles the same is waited for. */
async function publishOffered(
  desk: DeskLink,
  offer: Offer,
  options: FetchOptions,
  visit: Visit,
): Promise<string> {
  const { cacheFolder, signal, tell } = options;
  if (offer.kind === 'named') return '';
  const key = keyOf(offer, options.kernelKey);
  const onDamage = (words: string): void => tell(words);
  const onWait = (): void =>
    tell(`another process of this machine is getting ${offer.model}, this one waits for it`);
  const build = (folder: string): Promise<void> => fetchInto(folder, key, desk, offer, options, visit);
  const folder = await publishSound({ cacheFolder, key, build, signal, onDamage, onWait });
  await checkPublished(folder, offer);
  return folder;
}

/** Files grow beside the folder that is built, which is taken away where anything goes wrong; whole ones are moved there. */
async function fetchInto(
  folder: string,
  key: string,
  desk: DeskLink,
  offer: Offer,
  options: FetchOptions,
  visit: Visit,
): Promise<void> {
  const { cacheFolder, address, tell } = options;
  const growing = join(cacheFolder, 'fetched', key);
  await checkFetch(offer, cacheFolder, options);
  await makeFolder(growing);
  const from = formatAddress(address);
  const totalBytes = offer.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const startMs = performance.now();
  let thereBytes: number | undefined;
  let doneBytes = 0;
  const speed = (): string => speedWords(visit.bytes, performance.now() - startMs);
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    if (thereBytes === undefined) thereBytes = bytes;
    else visit.bytes += Math.max(0, bytes);
    options.onProgress(
      `fetching ${offer.model} from ${from}, ${speed()}`,
      doneBytes / Math.max(1, totalBytes),
    );
  };
  await fetchFiles(desk, offer, growing, onBytes);
  tell(`fetched ${offer.model} ${offer.dtype} from ${from}: ${speed()}`);
  for (const { name } of offer.files) await rename(join(growing, name), join(folder, name));
  await rm(growing, { recursive: true, force: true });
}

/** What lies in the cache under this name must be what was offered, byte for byte. @throws CACHE_DAMAGED */
async function checkPublished(folder: string, { files }: Offer): Promise<void> {
  const listed = await readFileList(folder);
  const wrong = files.find(({ name, digest }) => listed?.[name]?.digest !== digest);
  if (!wrong) return;
  const message = `${basename(folder)} in the cache has another ${wrong.name} than the server; remove it (kvr models) and start again`;
  throw new KvrError('CACHE_DAMAGED', message);
}
