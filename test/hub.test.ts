/**
 * Models of the hub through the command: fetched, however often that is interrupted, used by name, listed, removed.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { seededRandom } from '../src/core/random.js';
import {
  COMMIT,
  type Fault,
  HubServer,
  REPO,
  type RepoFiles,
  sha256,
} from '../src/model/hub/hub-server.test-support.js';
import { saveHfFolder } from './support/hf-folder.js';
import { type KvrRun, runKvr, runKvrHere } from './support/kvr.js';
import { SMALL_CHECKPOINT } from './support/small-llama.js';
import { until } from './support/until.js';

const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
let root = '';
let files: RepoFiles = {};
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'kvr-hub-'));
  const folder = join(root, 'source');
  await saveHfFolder(SMALL_CHECKPOINT, folder);
  files = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Place = { readonly home: string; readonly env: NodeJS.ProcessEnv };

function place(name: string, endpoint = 'http://127.0.0.1:1'): Place {
  const home = join(root, name);
  const env = {
    HF_HOME: home,
    HF_ENDPOINT: endpoint,
    KVR_CACHE_DIR: join(root, 'compiled'),
    HF_HUB_CACHE: '',
    HUGGINGFACE_HUB_CACHE: '',
    HF_HUB_OFFLINE: '',
    HF_TOKEN: 'hf_test',
  };
  return { home, env };
}

async function withServer(
  given: {
    readonly files?: RepoFiles;
    readonly fault?: (path: string, attempt: number) => Fault | undefined;
  },
  use: (server: HubServer) => Promise<void>,
): Promise<void> {
  const server = await HubServer.start({ files, ...given });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

const snapshotOf = ({ home }: Place): string => join(home, 'hub/models--acme--tiny/snapshots', COMMIT);

test('a pull that is killed five times at random places is whole in the end, and fetches each byte once', async () => {
  const weights = Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, index) => index * index));
  const random = seededRandom(3);
  const holds = Array.from({ length: 5 }, () => Math.ceil((random() * weights.length) / 6));
  const all = { ...files, 'model.safetensors': weights };
  const fault = (path: string, attempt: number): Fault | undefined => {
    const holdAfter = path === 'model.safetensors' ? holds[attempt] : undefined;
    return holdAfter === undefined ? undefined : { holdAfter };
  };
  await withServer({ files: all, fault }, async (server) => {
    const there = place('killed', server.endpoint);
    const partial = join(there.home, 'hub/models--acme--tiny/blobs', `${sha256(weights)}.kvr.incomplete`);
    let expectedBytes = 0;
    for (const hold of holds) {
      expectedBytes += hold;
      const child = spawn(process.execPath, [COMMAND, 'pull', REPO, '--quiet'], {
        env: { ...process.env, ...there.env },
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await until(
        () => existsSync(partial) && statSync(partial).size === expectedBytes,
        'the bytes to arrive',
      );
      child.kill('SIGKILL');
      await ended;
    }
    expect((await runKvr(['pull', REPO], there)).status).toBe(0);
    for (const [name, content] of Object.entries(all))
      if (existsSync(join(snapshotOf(there), name)))
        expect(readFileSync(join(snapshotOf(there), name)).equals(content)).toBe(true);
    expect(readFileSync(join(snapshotOf(there), 'model.safetensors')).equals(weights)).toBe(true);
    expect(server.sentBytes.get('model.safetensors')).toBe(weights.length);
  });
});

test('what was pulled is used by its name, without the network, and listed, and removed', async () => {
  const there = place('used');
  await withServer({}, async (server) => {
    const pulled = await runKvr(['pull', REPO, '--json'], place('used', server.endpoint));
    expect(pulled.status).toBe(0);
    expect(pulled.stderr).toMatch(/^kvr: acme\/tiny \(c0ffee0\); \d files, .*to fetch; room for .*\n$/);
    expect(JSON.parse(pulled.stdout)).toMatchObject({
      model: REPO,
      commit: COMMIT,
      folder: snapshotOf(there),
    });
  });
  const args = ['--prompt-ids', '1,2,3,4', '--max-tokens', '3', '--no-calibrate', '--json'];
  const byName = await runKvr(['generate', '--model', REPO, ...args], there);
  const byFolder = await runKvr(['generate', '--model', join(root, 'source'), ...args], there);
  const tokens = ({ stdout }: { stdout: string }): unknown =>
    (JSON.parse(stdout) as { tokenIds: unknown }).tokenIds;
  expect(tokens(byName)).toEqual(tokens(byFolder));
  const list = JSON.parse((await runKvr(['models', '--json'], there)).stdout) as {
    hub: { models: { name: string; revisions: unknown; bytes: number }[] };
    compiled: { models: { name: string; model: string }[] };
  };
  expect(list.hub.models).toMatchObject([{ name: REPO, revisions: [{ revision: 'main', commit: COMMIT }] }]);
  expect(list.hub.models[0]!.bytes).toBeGreaterThan(1000);
  expect(list.compiled.models.map(({ model }) => model)).toContain(REPO);
  expect((await runKvr(['models'], there)).stdout).toContain(`acme/tiny  main c0ffee0`);
  for (const name of [REPO, list.compiled.models[0]!.name]) {
    const removed = await runKvr(['models', '--remove', name], there);
    expect(removed).toMatchObject({ status: 0, stderr: '' });
    expect(removed.stdout).toMatch(/^removed .*: .* freed\n$/);
  }
  expect(existsSync(join(there.home, 'hub/models--acme--tiny'))).toBe(false);
});

test('a model that is not here is one line with the command that fetches it', async () => {
  const run = await runKvr(['generate', '--model', 'acme/none@v1', 'x'], place('empty'));
  expect(run).toMatchObject({ status: 2, stdout: '' });
  expect(run.stderr).toMatch(/^kvr: model "acme\/none@v1": .*fetch it with: kvr pull acme\/none@v1\n$/);
});

test('a folder of that name goes before the cache', async () => {
  mkdirSync(join(root, 'work/acme/tiny'), { recursive: true });
  const child = spawn(process.execPath, [COMMAND, 'inspect', '--model', REPO], {
    cwd: join(root, 'work'),
    env: { ...process.env, ...place('empty').env },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Promise((resolve) => child.once('close', resolve));
  expect(said).toMatch(/acme\/tiny\/config.json is missing/);
});

test('offline, by flag or by variable, a pull is refused in one line', async () => {
  const { env } = place('empty');
  const runs = [
    await runKvr(['pull', REPO, '--offline'], { env }),
    await runKvr(['pull', REPO], { env: { ...env, HF_HUB_OFFLINE: '1' } }),
  ];
  for (const run of runs) {
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(/^kvr: acme\/tiny is not fetched while offline; .*\n$/);
  }
});

test('of GGUF files the choices are listed with their sizes, and the command', async () => {
  const ggufs = { 'a-Q4_K_M.gguf': Buffer.alloc(5000, 1), 'a-Q8_0.gguf': Buffer.alloc(9000, 2) };
  await withServer({ files: ggufs }, async (server) => {
    const there = place('gguf', server.endpoint);
    const run = await runKvr(['pull', REPO], there);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toContain('5.00 kB  a-Q4_K_M.gguf\n');
    expect(run.stderr).toMatch(/name one, as in: kvr pull acme\/tiny --file a-Q4_K_M.gguf\n$/);
    expect((await runKvr(['pull', REPO, '--file', 'a-Q8_0.gguf'], there)).status).toBe(0);
    expect(readFileSync(join(snapshotOf(there), 'a-Q8_0.gguf'))).toEqual(ggufs['a-Q8_0.gguf']);
  });
});

/** Without a process of its own, which what is refused by its name alone does not need. */
async function runInPlace(args: readonly string[], { env }: Place): Promise<KvrRun> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return runKvrHere(args).finally(() => vi.unstubAllEnvs());
}

test.each(['', 'one', '../..', 'a/b/c', 'a/b@', 'a/..', 'https://huggingface.co/a/b', 'a/b/../x.gguf'])(
  'pull %j is refused as no name',
  async (name) => {
    const run = await runInPlace(['pull', name], place('empty'));
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/^kvr: .*is no model of the hub; give ORG\/NAME.*\n$/);
  },
);

test.each(['../source', '..', 'acme/none', 'nothing', '/etc'])('removing %j is refused', async (name) => {
  writeFileSync(join(root, 'kept'), '');
  const run = await runInPlace(['models', '--remove', name], place('empty'));
  expect(run).toMatchObject({ status: 2, stdout: '' });
  expect(existsSync(join(root, 'source/config.json'))).toBe(true);
});
