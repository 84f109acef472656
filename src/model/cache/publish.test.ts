import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import { publishFolder } from './publish.js';
import type { PublishOptions } from './publish.js';

const root = mkdtempSync(join(tmpdir(), 'kvr-publish-'));
const PROJECT = resolve(import.meta.dirname, '../../..');
let cacheFolder = '';
let caches = 0;

/** Child processes run plain JavaScript: our sources, transpiled into a folder of their own. */
beforeAll(() => {
  for (const folder of ['core', 'model/cache', 'model/cache/files']) {
    mkdirSync(join(root, 'js', folder), { recursive: true });
    const names = readdirSync(join(PROJECT, 'src', folder));
    for (const name of names.filter((each) => /(?<!\.test)\.ts$/.test(each))) {
      const source = readFileSync(join(PROJECT, 'src', folder, name), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
      });
      writeFileSync(join(root, 'js', folder, name.replace(/\.ts$/, '.js')), outputText);
    }
  }
  writeFileSync(join(root, 'js', 'package.json'), '{ "type": "module" }');
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'js', 'node_modules'));
  writeFileSync(join(root, 'js', 'child.js'), CHILD);
});
beforeEach(() => {
  cacheFolder = join(root, `cache-${caches++}`);
});
afterAll(() => rmSync(root, { recursive: true }));

/** Publishes `model` in steps and says what it does, a line each; the second step comes once it is let go on. */
const CHILD = `
import { appendFileSync, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { publishFolder } from './model/cache/publish.js';
const [cacheFolder] = process.argv.slice(2);
const folder = await publishFolder({
  cacheFolder,
  key: 'model',
  onWait: () => console.log('waiting'),
  async build(temporaryFolder) {
    appendFileSync(cacheFolder + '.builds', process.pid + '\\n');
    await writeFile(temporaryFolder + '/first', 'half');
    console.log('building');
    while (!existsSync(cacheFolder + '.go')) await delay(5);
    await writeFile(temporaryFolder + '/second', 'whole');
  },
});
console.log('done ' + folder);
`;

type Child = {
  lines(): string[];
  until(line: string): Promise<void>;
  kill(): void;
  exited: Promise<number | null>;
};

/** Builders may go on to the end. */
function letGoOn(): void {
  writeFileSync(`${cacheFolder}.go`, '');
}

function startChild(): Child {
  const child = spawn(process.execPath, [join(root, 'js', 'child.js'), cacheFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const lines = () => output.split('\n').filter((line) => line !== '');
  return {
    lines,
    until: (line) => until(() => lines().includes(line), `a child to say ${line}`),
    kill: () => child.kill('SIGKILL'),
    exited: new Promise((done) => child.on('close', done)),
  };
}

function builds(): number {
  return readFileSync(`${cacheFolder}.builds`, 'utf8').trim().split('\n').length;
}

function publish(options: Partial<PublishOptions> = {}): Promise<string> {
  const build = (folder: string) => writeFile(join(folder, 'file'), 'content');
  return publishFolder({ cacheFolder, key: 'model', build, ...options });
}

test('a folder is built once and returned again without building', async () => {
  const folder = await publish();
  expect(folder).toBe(join(cacheFolder, 'model'));
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('content');
  const again = await publish({ build: () => Promise.reject(new Error('built twice')) });
  expect(again).toBe(folder);
  expect(readdirSync(cacheFolder)).toEqual(['model']);
});

test('two processes at once build once, and both get the folder', async () => {
  const first = startChild();
  await first.until('building');
  const second = startChild();
  await second.until('waiting');
  letGoOn();
  expect(await Promise.all([first.exited, second.exited])).toEqual([0, 0]);
  expect(builds()).toBe(1);
  expect(second.lines()).toEqual(['waiting', `done ${join(cacheFolder, 'model')}`]);
});

test('six processes that start together build once', async () => {
  const children = Array.from({ length: 6 }, startChild);
  const said = (line: string): number => children.filter((child) => child.lines().includes(line)).length;
  await until(() => said('building') === 1 && said('waiting') === 5, 'one to build and five to wait');
  letGoOn();
  expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(builds()).toBe(1);
});

test('a process killed half-way leaves nothing that is returned, and its leftovers go', async () => {
  const killed = startChild();
  await killed.until('building');
  const waiting = startChild();
  await waiting.until('waiting');
  killed.kill();
  await killed.exited;
  letGoOn();
  expect(await waiting.exited).toBe(0);
  expect(builds()).toBe(2);
  expect(readdirSync(cacheFolder)).toEqual(['model']);
  expect(readdirSync(join(cacheFolder, 'model')).sort()).toEqual(['first', 'published.json', 'second']);
});

test('calls of one process at the same time build once', async () => {
  let count = 0;
  let finish: () => void = () => undefined;
  const isLetGoOn = new Promise<void>((resolve) => (finish = resolve));
  const build = async (folder: string) => {
    count++;
    await isLetGoOn;
    await writeFile(join(folder, 'file'), 'content');
  };
  const calls = [publish({ build }), publish({ build }), publish({ build })];
  await until(() => count > 0, 'the first to build');
  finish();
  await Promise.all(calls);
  expect(count).toBe(1);
});

const DAMAGES: [string, (folder: string) => void][] = [
  ['truncated file', (folder) => truncateSync(join(folder, 'file'), 3)],
  ['file that is gone', (folder) => rmSync(join(folder, 'file'))],
  ['folder in place of a file', (folder) => (rmSync(join(folder, 'file')), mkdirSync(join(folder, 'file')))],
  ['torn manifest', (folder) => truncateSync(join(folder, 'published.json'), 9)],
  ['manifest that says something else', (folder) => writeFileSync(join(folder, 'published.json'), '[]')],
  ['manifest that is gone', (folder) => rmSync(join(folder, 'published.json'))],
  [
    'file in place of everything',
    (folder) => (rmSync(folder, { recursive: true }), writeFileSync(folder, '')),
  ],
];
test.each(DAMAGES)('a folder with a %s is built again', async (_, damage) => {
  damage(await publish());
  const folder = await publish();
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('content');
  expect(readdirSync(cacheFolder)).toEqual(['model']);
});

test('files in folders count too', async () => {
  const build = async (folder: string) => {
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    await writeFile(join(folder, 'deep/er/file'), 'content');
  };
  const folder = await publish({ build });
  truncateSync(join(folder, 'deep/er/file'), 0);
  await publish({ build });
  expect(readFileSync(join(folder, 'deep/er/file'), 'utf8')).toBe('content');
});

test('what a builder throws is thrown on, nothing stays, and the next call builds', async () => {
  const build = () => Promise.reject(new TypeError('no such layer'));
  await expect(publish({ build })).rejects.toThrow('no such layer');
  expect(readdirSync(cacheFolder)).toEqual([]);
  await publish();
});

test('a lock whose process is gone does not hold anybody up', async () => {
  const pid = Number(execFileSync(process.execPath, ['-p', 'process.pid']));
  mkdirSync(cacheFolder);
  writeFileSync(join(cacheFolder, 'model.lock'), JSON.stringify({ pid, host: hostname(), token: 'a' }));
  await publish();
  expect(readdirSync(cacheFolder)).toEqual(['model']);
});

test.each([
  ['an empty lock that stays empty', '', 6000],
  ['another host that shows nothing', JSON.stringify({ pid: 1, host: 'elsewhere', token: 'a' }), 61_000],
  ['a pid that was given again', JSON.stringify({ pid: 1, host: hostname(), token: 'a' }), 61_000],
])('%s is taken for dead', async (_, text, silentMs) => {
  mkdirSync(cacheFolder);
  writeFileSync(join(cacheFolder, 'model.lock'), text);
  const time = new Date(Date.now() - silentMs);
  utimesSync(join(cacheFolder, 'model.lock'), time, time);
  await publish();
  expect(readdirSync(cacheFolder)).toEqual(['model']);
});

test('a living lock of another host is waited for, until the caller gives up', async () => {
  mkdirSync(cacheFolder);
  writeFileSync(join(cacheFolder, 'model.lock'), JSON.stringify({ pid: 1, host: 'elsewhere', token: 'a' }));
  const holders: string[] = [];
  const caller = new AbortController();
  const onWait = ({ host }: { host: string }): void => {
    holders.push(host);
    caller.abort();
  };
  await expect(publish({ signal: caller.signal, onWait })).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(holders).toEqual(['elsewhere']);
  expect(existsSync(join(cacheFolder, 'model.lock'))).toBe(true);
});

test('a builder that is told to stop ends in CANCELLED and leaves nothing', async () => {
  const caller = new AbortController();
  const build = async (_: string, signal: AbortSignal) => {
    const stopped = once(signal, 'abort');
    caller.abort();
    await stopped;
    signal.throwIfAborted();
  };
  await expect(publish({ build, signal: caller.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(readdirSync(cacheFolder)).toEqual([]);
});

test('a cache below a file is unwritable, and the message names it and the remedy', async () => {
  writeFileSync(`${cacheFolder}.file`, '');
  cacheFolder = join(`${cacheFolder}.file`, 'cache');
  await expect(publish()).rejects.toMatchObject({ code: 'CACHE_UNWRITABLE' });
  await expect(publish()).rejects.toThrow(new RegExp(`${cacheFolder}.*--cache-dir`));
});

test("an error about a place outside the cache is the builder's own", async () => {
  const build = () => writeFile(join(root, 'no', 'such', 'folder'), '');
  await expect(publish({ build })).rejects.toMatchObject({ code: 'ENOENT' });
});

test.each(['', '..', 'a/b', '.hidden', 'x'.repeat(161)])('%j is no key', async (key) => {
  await expect(publish({ key })).rejects.toMatchObject({ code: 'INTERNAL' });
});

/** Mounting takes root on Linux; elsewhere these cases are left out. */
function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'kvr-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true });
  }
}

async function onTmpfs(use: () => Promise<void>): Promise<void> {
  mkdirSync(cacheFolder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', cacheFolder]);
  try {
    await use();
  } finally {
    execFileSync('umount', [cacheFolder]);
  }
}

const mounts = canMount();

test.skipIf(!mounts)(
  'a full disk is said to be full, with what to delete, and partial files go',
  async () => {
    await onTmpfs(async () => {
      await publish({
        key: 'old',
        build: (folder) => writeFile(join(folder, 'file'), Buffer.alloc(500_000)),
      });
      const build = (folder: string) => writeFile(join(folder, 'file'), Buffer.alloc(2_000_000));
      const error: unknown = await publish({ build }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'DISK_FULL' });
      expect(String(error)).toContain(cacheFolder);
      expect(String(error)).toContain('old: 0.5 MB');
      expect(readdirSync(cacheFolder)).toEqual(['old']);
      await publish();
    });
  },
);

test.skipIf(!mounts)('a read-only cache gives what it holds and refuses the rest', async () => {
  await onTmpfs(async () => {
    await publish({ key: 'old' });
    execFileSync('mount', ['-o', 'remount,ro', cacheFolder]);
    expect(await publish({ key: 'old' })).toBe(join(cacheFolder, 'old'));
    await expect(publish()).rejects.toMatchObject({ code: 'CACHE_UNWRITABLE' });
  });
});
