/**
 * A hub on this machine: the part of its HTTP API that downloads use, with a second server that stands for its CDN. Counts what
 * it sends, and does what tests ask of it: cuts, wrong bytes, refusals, hostile names.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type RepoFiles = Readonly<Record<string, Buffer>>;
export type SeenRequest = {
  readonly place: 'hub' | 'cdn';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
};
/** What is done to one answer with a file's bytes. */
export type Fault = {
  /** The connection ends after so many bytes of this answer. */
  readonly cutAfter?: number;
  /** After so many bytes of this answer nothing more comes, and the connection stays. */
  readonly holdAfter?: number;
  /** The byte at this place of the file is sent with one bit flipped. */
  readonly flipAt?: number;
  /** Bytes without end. */
  readonly isEndless?: true;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Nothing is sent, and the connection stays. */
  readonly isSilent?: true;
  readonly ignoresRange?: true;
};
export type HubServerOptions = {
  readonly repo?: string;
  readonly commit?: string;
  readonly files: RepoFiles;
  /** Files of at least this size are kept as large ones, at the CDN. */
  readonly largeBytes?: number;
  readonly pageFiles?: number;
  /** Asked for every answer with a file's bytes. */
  readonly fault?: (path: string, attempt: number) => Fault | undefined;
  /** Answers in place of the API, by a part of its path. */
  readonly override?: (
    path: string,
  ) => { status: number; headers?: Record<string, string>; body: string } | undefined;
  /** Changes what the list says. */
  readonly listed?: (entry: ListEntry) => unknown;
};
export type ListEntry = {
  type: string;
  path: string;
  size: number;
  oid: string;
  lfs?: { oid: string; size: number; pointerSize: number };
};

export const COMMIT = 'c0ffee'.padEnd(40, '0');
export const REPO = 'acme/tiny';

export class HubServer {
  readonly requests: SeenRequest[] = [];
  /** Bytes of files that were handed to the system to be sent, by path: what a socket swallowed when it was cut counts too. */
  readonly sentBytes = new Map<string, number>();
  readonly #options: HubServerOptions;
  readonly #hub: Server;
  readonly #cdn: Server;
  readonly #attempts = new Map<string, number>();

  private constructor(options: HubServerOptions) {
    this.#options = options;
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => this.#answerCdn(request, response));
  }

  static async start(options: HubServerOptions): Promise<HubServer> {
    const server = new HubServer(options);
    await Promise.all([listen(server.#hub), listen(server.#cdn)]);
    return server;
  }

  get endpoint(): string {
    return address(this.#hub);
  }

  get totalSentBytes(): number {
    return [...this.sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.#hub, this.#cdn].map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.endpoint);
    const path = decodeURIComponent(url.pathname);
    this.#note('hub', path, request);
    const { repo = REPO, commit = COMMIT, override } = this.#options;
    const other = override?.(path);
    if (other) return void response.writeHead(other.status, other.headers).end(other.body);
    if (path.startsWith(`/api/models/${repo}/revision/`))
      return json(response, { _id: 'x', id: repo, sha: commit });
    if (path === `/api/models/${repo}/tree/${commit}`) return this.#list(url, response);
    const prefix = `/${repo}/resolve/${commit}/`;
    const name = path.startsWith(prefix) ? path.slice(prefix.length) : '';
    const content = this.#options.files[name];
    if (content === undefined) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    const headers = { etag: `"${gitDigest(content)}"`, 'x-repo-commit': commit };
    if (!this.#isLarge(content)) return this.#send(name, content, request, response, headers);
    response.writeHead(302, {
      location: `${address(this.#cdn)}/cdn/${encodeURIComponent(name)}?signature=x`,
      'x-linked-etag': `"${sha256(content)}"`,
      'x-linked-size': String(content.length),
      'x-repo-commit': commit,
    });
    response.end();
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): void {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://cdn').pathname.slice('/cdn/'.length));
    this.#note('cdn', name, request);
    const content = this.#options.files[name];
    if (content === undefined) return void response.writeHead(404).end();
    this.#send(name, content, request, response, { etag: `"${sha256(content)}"` });
  }

  #note(place: 'hub' | 'cdn', path: string, { headers }: IncomingMessage): void {
    this.requests.push({ place, path, authorization: headers.authorization, range: headers.range });
  }

  #isLarge(content: Buffer): boolean {
    return content.length >= (this.#options.largeBytes ?? 1024);
  }

  #list(url: URL, response: ServerResponse): void {
    const { files, pageFiles = 1000, listed = (entry) => entry } = this.#options;
    const entries = Object.entries(files).map(([path, content]) => listed(this.#entry(path, content)));
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const next = new URL(url);
    next.searchParams.set('cursor', String(start + pageFiles));
    const link = start + pageFiles < entries.length ? { link: `<${next.href}>; rel="next"` } : {};
    json(response, entries.slice(start, start + pageFiles), link);
  }

  #entry(path: string, content: Buffer): ListEntry {
    const entry = { type: 'file', path, size: content.length, oid: gitDigest(content) };
    if (!this.#isLarge(content)) return entry;
    return { ...entry, lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } };
  }

  #send(
    name: string,
    content: Buffer,
    request: IncomingMessage,
    response: ServerResponse,
    headers: Record<string, string>,
  ): void {
    const attempt = this.#attempts.get(name) ?? 0;
    this.#attempts.set(name, attempt + 1);
    const fault = this.#options.fault?.(name, attempt) ?? {};
    if (fault.isSilent) return;
    if (fault.status) return void response.writeHead(fault.status, fault.headers).end();
    const start = fault.ignoresRange ? 0 : startOf(request);
    const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
    const length = fault.isEndless ? {} : { 'content-length': String(content.length - start) };
    response.writeHead(start > 0 ? 206 : 200, {
      ...headers,
      ...(start > 0 && range),
      ...length,
      ...fault.headers,
    });
    if (request.method === 'HEAD') return void response.end();
    this.#write(name, withFlip(content, fault.flipAt).subarray(start), response, fault);
  }

  #write(
    name: string,
    rest: Buffer,
    response: ServerResponse,
    { cutAfter, holdAfter, isEndless }: Fault,
  ): void {
    const part = rest.subarray(0, Math.min(cutAfter ?? Infinity, holdAfter ?? Infinity));
    this.sentBytes.set(name, (this.sentBytes.get(name) ?? 0) + part.length);
    if (isEndless) return writeOn(response);
    if (part.length === rest.length) return void response.end(part);
    response.write(part, () => {
      if (cutAfter !== undefined) response.destroy();
    });
  }
}

function writeOn(response: ServerResponse): void {
  if (response.destroyed) return;
  response.write(Buffer.alloc(65_536), (error) => {
    if (!error) writeOn(response);
  });
}

function withFlip(content: Buffer, at: number | undefined): Buffer {
  if (at === undefined) return content;
  const flipped = Buffer.from(content);
  flipped[at]! ^= 1;
  return flipped;
}

function startOf({ headers }: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
}

function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function gitDigest(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}
