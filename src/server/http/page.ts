/**
 * The page: a few files, read once into memory, so that no path a client writes ever reaches the file system.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { HttpContext } from './context.js';

type PageFile = { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string };
/** By path, as in '/main.js'. */
export type Page = ReadonlyMap<string, PageFile>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What browsers may do with answers: nothing from elsewhere, nothing inline, not inside another page. */
export const SECURE_HEADERS = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
  // The server speaks plain HTTP; whether only HTTPS is to be used is known to the proxy that speaks it.
  strictTransportSecurity: false,
};

/** @returns no files where the folder is missing, as in a build without the page */
export async function loadPage(folder: string): Promise<Page> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names
    .filter((name) => Object.hasOwn(TYPES, extname(name)))
    .map(async (name): Promise<[string, PageFile]> => {
      const bytes = Uint8Array.from(await readFile(join(folder, name)));
      return [`/${name}`, { bytes, type: TYPES[extname(name)] ?? '' }];
    });
  return new Map(await Promise.all(files));
}

/** @returns undefined where there is no such file */
export function servePage(c: HttpContext, page: Page): Response | undefined {
  const { path } = c.req;
  if (path === '/' && !page.has('/index.html'))
    return c.text('kv-runahead serves POST /v1/chat/completions; this build has no page.\n');
  const file = page.get(path === '/' ? '/index.html' : path);
  if (!file) return undefined;
  return c.body(file.bytes, 200, { 'Content-Type': file.type, 'Cache-Control': 'no-cache' });
}
