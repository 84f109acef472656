/**
 * The package as others have it: packed, installed into an empty folder with an empty home and cache, and run there.
 * Nothing but the registry may be asked for anything, neither by the installation nor by the program.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardNetwork, type NetworkGuard } from './support/network-guard.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAX_DOWNLOAD_BYTES = 60e6;
const REACH_LIMIT_MS = 10_000;

const registry = execFileSync('npm', ['config', 'get', 'registry'], { cwd: ROOT, encoding: 'utf8' }).trim();
const obstacle = await whyNot();

/** Why the package can not be installed here, or undefined. */
async function whyNot(): Promise<string | undefined> {
  if (`${process.platform}-${process.arch}` !== 'linux-x64')
    return 'the package brings kernels for Linux x64 only';
  try {
    const signal = AbortSignal.timeout(REACH_LIMIT_MS);
    const { ok, status } = await fetch(new URL('onnxruntime-common', registry), { method: 'HEAD', signal });
    return ok ? undefined : `the npm registry answers with status ${status}`;
  } catch (error) {
    return `the npm registry can not be reached: ${String(error)}`;
  }
}

/** The environment of someone who has set nothing: without what npm and the tests' runner put there. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const isSet = ([name]: [string, unknown]): boolean =>
    /^(npm_|NODE_OPTIONS|KVR_|ONNXRUNTIME_|XDG_)/i.test(name);
  return Object.fromEntries(Object.entries(process.env).filter((entry) => !isSet(entry)));
}

/** README's example of the library, with a model that needs no download. */
function libraryExample(): string {
  const code = /```ts\n([^]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
  expect(code).toContain("'./my-llama'");
  return code.replace("'./my-llama'", "'quote'");
}

describe.skipIf(obstacle !== undefined)(`installed${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-install-'));
  const [home, project] = [join(folder, 'home'), join(folder, 'project')];
  let guard: NetworkGuard;
  let tarball: string;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a program in the empty folder. @returns what it printed */
  async function run(program: string, args: readonly string[]): Promise<string> {
    const env = { ...plainEnvironment(), ...guard.env, HOME: home, npm_config_registry: registry };
    return (await promisify(execFile)(program, args, { cwd: project, env })).stdout;
  }

  beforeAll(async () => {
    [home, project].forEach((path) => mkdirSync(path));
    guard = guardNetwork(folder, new URL(registry).hostname);
    // What is packed was built before the tests, as all that they start.
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
    const packed = execFileSync('npm', args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
    tarball = join(folder, filename);
    writeFileSync(join(project, 'package.json'), '{"private":true}');
    // Yarn fails where a package wants another Node, so npm is to do the same.
    await run('npm', ['install', '--engine-strict', tarball]);
  });

  test('what was asked of others was asked of the registry, and is small', () => {
    const received = guard.received();
    const fromRegistry = received.get(new URL(registry).hostname) ?? 0;
    expect([...received.keys()]).toEqual([new URL(registry).hostname]);
    expect(fromRegistry).toBeGreaterThan(0);
    expect(statSync(tarball).size + fromRegistry).toBeLessThan(MAX_DOWNLOAD_BYTES);
  });

  test('no package of it runs a script when it is installed', () => {
    const lock = readFileSync(join(project, 'package-lock.json'), 'utf8');
    const { packages } = JSON.parse(lock) as { packages: Record<string, { hasInstallScript?: boolean }> };
    expect(packages).toHaveProperty(['node_modules/kv-runahead']);
    expect(Object.keys(packages).filter((path) => packages[path]?.hasInstallScript)).toEqual([]);
  });

  test('the first command answers, and so does the example of the library', async () => {
    const demo = JSON.parse(await run('npx', ['kvr', 'demo', '--json'])) as unknown;
    expect(demo).toMatchObject({ isRight: true, isSame: true });
    writeFileSync(join(project, 'example.mjs'), libraryExample());
    expect(await run(process.execPath, ['example.mjs'])).not.toBe('');
    expect([...guard.received().keys()]).toEqual([new URL(registry).hostname]);
  });

  test('the watch is no blind one: it sees and refuses another host', async () => {
    const asking = run(process.execPath, [
      '-e',
      `fetch('https://host.invalid').catch((e) => { throw e.cause; })`,
    ]);
    await expect(asking).rejects.toThrow('the network guard refuses host.invalid');
    expect(guard.received().has('host.invalid')).toBe(true);
  });
});
