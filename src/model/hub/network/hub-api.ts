/**
 * What the hub says about a model: which commit a revision is, and its files. Through @huggingface/hub, which is handed a fetch
 * of ours: bounded, with attempts, and with the token for the endpoint alone. Loaded when first asked.
 */
import { z } from 'zod';
import { KvrError } from '../../../core/errors.js';
import { printable } from '../../checkpoint/printable.js';
import type { HubFile } from '../names/hub-file.js';
import { type HubConnection, type HubResponse, request } from './hub-http.js';
import { type HubName, isCommit, isSafePath } from '../names/names.js';
import { PassingFault } from './passing-fault.js';
import { refusalOf } from './refusals.js';
import { withRetries } from './retries.js';

/** The hub answers with 1,000 files a page, of some 300 bytes each. */
const MAX_PAGE_BYTES = 16_000_000;
/** Repositories with all steps of a training have some thousand files. */
const MAX_FILES = 20_000;
/** A few more than MAX_FILES need, so that a list of empty pages ends too. */
const MAX_PAGES = 64;
/** Above every disk, and below where sums of sizes lose digits. */
const MAX_FILE_BYTES = 2 ** 46;

export type HubListing = { readonly commit: string; readonly files: readonly HubFile[] };

const bytesSchema = z.number().int().min(0).max(MAX_FILE_BYTES);
const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: bytesSchema,
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: sha256Schema, size: bytesSchema }).nullish(),
});
type Entry = z.infer<typeof entrySchema>;

/** @throws HUB_REFUSED, HUB_UNREACHABLE, HUB_BAD_ANSWER, MODEL_NOT_FOUND, CANCELLED */
export async function listModel(name: HubName, connection: HubConnection): Promise<HubListing> {
  try {
    return await listed(name, connection);
  } catch (error) {
    if (error instanceof KvrError) throw error;
    // The package trusts the shape of what it is sent.
    throw badAnswer(connection, `sent a list of ${name.repo} that can not be read`, error);
  }
}

async function listed(name: HubName, connection: HubConnection): Promise<HubListing> {
  const { modelInfo, listFiles } = await import('@huggingface/hub');
  const common = { hubUrl: connection.settings.endpoint, fetch: guardedFetch(name, connection) };
  const { repo, revision } = name;
  const { sha } = await modelInfo({ ...common, name: repo, revision, additionalFields: ['sha'] });
  const commit = checkedCommit(sha, name, connection);
  const files: HubFile[] = [];
  for await (const entry of listFiles({ ...common, repo, revision: commit, recursive: true })) {
    if (entry.type === 'file') files.push(fileOf(entry, connection));
    if (files.length > MAX_FILES)
      throw badAnswer(connection, `lists more than ${MAX_FILES} files in ${repo}`);
  }
  return { commit, files };
}

function checkedCommit(sha: unknown, { repo, revision }: HubName, connection: HubConnection): string {
  if (typeof sha === 'string' && isCommit(sha)) return sha;
  throw badAnswer(connection, `names no commit for ${repo} at ${revision}`);
}

/** Every name of a repository is checked, also those that are not fetched: one that is hostile makes all suspect. */
function fileOf(given: unknown, connection: HubConnection): HubFile {
  const entry = entrySchema.safeParse(given);
  if (!entry.success) {
    const issue = entry.error.issues[0];
    throw badAnswer(connection, `lists a file with a bad ${issue?.path.join('.') ?? 'entry'}`);
  }
  if (!isSafePath(entry.data.path))
    throw badAnswer(
      connection,
      `lists a file called "${printable(entry.data.path)}", which is not a safe path`,
    );
  return fromEntry(entry.data);
}

/** A large file is kept by its content's sha-256, a small one in git. */
function fromEntry({ path, size, oid, lfs }: Entry): HubFile {
  if (lfs) return { path, bytes: lfs.size, digest: { kind: 'sha256', hex: lfs.oid } };
  return { path, bytes: size, digest: { kind: 'git-sha1', hex: oid } };
}

/** As fetch, for answers that fit into memory and for the endpoint alone. What is no success is thrown, in our words. */
function guardedFetch(name: HubName, connection: HubConnection): typeof fetch {
  const { settings, clock, signal } = connection;
  const { origin, host } = new URL(settings.endpoint);
  let pages = 0;
  return async (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== origin)
      throw badAnswer(connection, `continues its list at ${url.host}, which is not followed`);
    if (++pages > MAX_PAGES) throw badAnswer(connection, `has more than ${MAX_PAGES} pages for ${name.repo}`);
    return withRetries({ host, clock, signal }, () => whole(url, name, connection));
  };
}

async function whole(url: URL, name: HubName, connection: HubConnection): Promise<Response> {
  const answer = await request(url.href, { accept: 'application/json' }, connection);
  try {
    const { response } = answer;
    if (!response.ok) {
      const { endpoint, token } = connection.settings;
      throw refusalOf(response, { ...name, endpoint, hasToken: token !== undefined });
    }
    const text = await boundedText(answer, connection);
    checkIsJson(text, connection);
    return new Response(text, { status: response.status, headers: linkOf(response.headers) });
  } finally {
    answer.end();
  }
}

function linkOf(headers: Headers): Record<string, string> {
  const link = headers.get('link');
  return link === null ? {} : { link };
}

async function boundedText({ bytes }: HubResponse, connection: HubConnection): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes()) {
    if ((length += chunk.length) > MAX_PAGE_BYTES)
      throw badAnswer(connection, `sends more than ${MAX_PAGE_BYTES} bytes for a list`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A page of a proxy or a hotel, say: another attempt may find the hub. */
function checkIsJson(text: string, { settings }: HubConnection): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new PassingFault(
      `${new URL(settings.endpoint).host} sent something else than JSON`,
      undefined,
      error,
    );
  }
}

function badAnswer({ settings }: HubConnection, what: string, cause?: unknown): KvrError {
  const host = new URL(settings.endpoint).host;
  return new KvrError('HUB_BAD_ANSWER', `${host} ${what}; ask its operator, or check HF_ENDPOINT`, {}, cause);
}
