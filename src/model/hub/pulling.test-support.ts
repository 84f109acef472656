/**
 * What the tests of pulling share: a hub with a small model, a cache of its own, and a clock whose waits pass at once.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { seededRandom } from '../../core/random.js';
import {
  COMMIT,
  HubServer,
  type HubServerOptions,
  REPO,
  type RepoFiles,
  sha256,
} from './hub-server.test-support.js';
import { checkedHubName } from './names/names.js';
import type { HubClock } from './network/hub-clock.js';
import { SILENCE_MS } from './network/silence.js';
import { pullModel, type PullOptions, type PullOutcome } from './pull.js';
import { repoFolder } from './storage/cache-layout.js';

export const WEIGHT_BYTES = 3_000_000;
export let root = '';
export let server: HubServer | undefined;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'kvr-pull-'))));
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(root, { recursive: true, force: true });
});

export function randomBytes(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => 256 * random()));
}

export const FILES: RepoFiles = {
  'README.md': Buffer.from('read me'),
  'config.json': Buffer.from('{"model_type":"llama"}'),
  'generation_config.json': Buffer.from('{}'),
  'tokenizer.json': randomBytes(20_000, 1),
  // The same content as another one.
  'tokenizer_config.json': Buffer.from('{}'),
  'chat_template.jinja': Buffer.from('{{ messages }}'),
  'model.safetensors': randomBytes(WEIGHT_BYTES, 2),
  'pytorch_model.bin': randomBytes(5000, 3),
  'onnx/model.onnx': randomBytes(5000, 4),
};
export const NEEDED = Object.keys(FILES).filter((path) => !/README|\.bin$|onnx/.test(path));
export const NEEDED_BYTES = [
  ...new Map(NEEDED.map((path) => [sha256(FILES[path]!), FILES[path]!.length])).values(),
].reduce((sum, bytes) => sum + bytes, 0);

/** Waits between attempts pass at once, and are noted; what ends a silent connection is called when a test says so. */
export class FastClock implements HubClock {
  readonly waitsMs: number[] = [];
  readonly silences: (() => void)[] = [];
  nowMs = (): number => this.waitsMs.reduce((sum, ms) => sum + ms, 0);
  after = (ms: number, call: () => void): (() => void) => {
    if (ms > SILENCE_MS / 2) this.silences.push(() => (this.waitsMs.push(ms), call()));
    else setImmediate(() => (this.waitsMs.push(ms), call()));
    return () => undefined;
  };
}

export async function start(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  server = await HubServer.start({ files: FILES, ...options });
  return server;
}

export const cache = (): string => join(root, 'hub');

export function pull(given: Partial<PullOptions> = {}, name = REPO): Promise<PullOutcome> {
  return pullModel(checkedHubName(name), {
    settings: given.settings ?? { endpoint: server!.endpoint, isOffline: false },
    cache: cache(),
    memoFolder: join(root, 'memo'),
    signal: new AbortController().signal,
    clock: new FastClock(),
    ...given,
  });
}

export function expectWhole(files: RepoFiles = FILES, needed: readonly string[] = NEEDED): void {
  const snapshot = join(repoFolder(cache(), REPO), 'snapshots', COMMIT);
  for (const path of needed) expect(readFileSync(join(snapshot, path)).equals(files[path]!)).toBe(true);
  expect(
    readdirSync(snapshot, { recursive: true, encoding: 'utf8' })
      .filter((path) => files[path])
      .sort(),
  ).toEqual([...needed].sort());
}
