/**
 * What users get wrong on the command line: each ends in one line that names the value and the remedy, exit status 2, an
 * empty stdout, and nothing left running. A few of them typed at the real command, the others at the program within it.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomCheckpoint } from './reference/random-checkpoint.js';
import { ggufBytes } from './support/gguf-writer.js';
import { saveHfFolder } from './support/hf-folder.js';
import { type KvrRun, processesNaming, runKvr, runKvrHere } from './support/kvr.js';
import { smallGguf } from './support/small-gguf.js';
import { TINY_LLAMA } from './reference/shapes.js';

const SHAPE = TINY_LLAMA;

let folder = '';
let sound = '';
let cacheDir = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-bad-'));
  sound = join(folder, 'sound');
  cacheDir = join(folder, 'cache');
  await saveHfFolder(randomCheckpoint(SHAPE, 1), sound);
});
afterAll(() => {
  const left = processesNaming(folder);
  rmSync(folder, { recursive: true, force: true });
  expect(left).toEqual([]);
});

type Refusal = { readonly message: RegExp; readonly input?: Uint8Array };

type Run = typeof runKvrHere;

/** Runs `kvr generate` with the flags given in place of sound ones, and checks how it is refused. */
async function expectRefusal(
  flags: Record<string, string>,
  { message, input }: Refusal,
  run: Run = runKvrHere,
): Promise<void> {
  const all = {
    '--model': sound,
    '--cache-dir': cacheDir,
    '--prompt-ids': '1,2,3,4',
    '--max-tokens': '4',
    ...flags,
  };
  const args = Object.entries(all).flatMap(([flag, value]) => (value === '' ? [] : [flag, value]));
  const told: KvrRun = await run(['generate', '--no-calibrate', ...args], input ? { input } : {});
  expect(told.stderr).toMatch(message);
  expect(told.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(told.stderr).toMatch(/^kvr: /);
  expect(told.stdout).toBe('');
  expect(told.status).toBe(2);
}

/** A copy of the sound checkpoint, and where its files are. */
function copy(name: string): { readonly model: string; readonly config: string; readonly weights: string } {
  const model = join(folder, name);
  cpSync(sound, model, { recursive: true });
  return { model, config: join(model, 'config.json'), weights: join(model, 'model.safetensors') };
}

function withConfig(name: string, change: (text: string) => string): string {
  const { model, config } = copy(name);
  writeFileSync(config, change(readFileSync(config, 'utf8')));
  return model;
}

/** @param change is given the header's JSON; what it returns is written in its place, padded to the same length. */
function withHeader(name: string, change: (json: string) => string): string {
  const { model, weights } = copy(name);
  const bytes = readFileSync(weights);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const json = change(bytes.toString('utf8', 8, 8 + headerBytes).trimEnd());
  const header = Buffer.alloc(8 + Math.max(headerBytes, Buffer.byteLength(json)), ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  header.write(json, 8);
  writeFileSync(weights, Buffer.concat([header, bytes.subarray(8 + headerBytes)]));
  return model;
}

test('the checkpoint that the cases below are made from is sound', async () => {
  const run = await runKvr(['inspect', '--json', '--model', sound, '--cache-dir', cacheDir]);
  expect(run).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(run.stdout)).toMatchObject({ architecture: 'llama', layers: 2 });
});

describe('the command as a process tells the same of', () => {
  test('a model that does not exist', () =>
    expectRefusal({ '--model': join(folder, 'nowhere') }, { message: /there is no such folder/ }, runKvr));

  test('standard input that is not UTF-8', () =>
    expectRefusal(
      { '--prompt-ids': '' },
      { message: /standard input.*UTF-8/, input: Uint8Array.of(0x61, 0xff) },
      runKvr,
    ));

  test('a flag that does not exist', () =>
    expectRefusal({ '--wrokers': '2' }, { message: /--wrokers.*--help/ }, runKvr));
});

describe('a model', () => {
  test('that does not exist', () =>
    expectRefusal({ '--model': join(folder, 'nowhere') }, { message: /nowhere": there is no such folder/ }));

  test('that is a GGUF file, cut off', () => {
    const path = join(folder, 'cut.gguf');
    writeFileSync(path, ggufBytes(smallGguf()).subarray(0, 3000));
    return expectRefusal(
      { '--model': path },
      { message: /cut\.gguf: tensor .* the file has 3000: it is cut off; fetch/ },
    );
  });

  test('that is a folder without config.json', async () => {
    mkdirSync(join(folder, 'empty'));
    await expectRefusal({ '--model': join(folder, 'empty') }, { message: /empty\/config\.json is missing/ });
  });

  test('that is a folder without weights', async () => {
    const { model, weights } = copy('no-weights');
    rmSync(weights);
    await expectRefusal({ '--model': model }, { message: /safetensors/ });
  });

  test.each([4, 40, 2_000])('whose safetensors file was cut off after %i bytes', async (bytes) => {
    const { model, weights } = copy(`cut-${bytes}`);
    truncateSync(weights, bytes);
    await expectRefusal({ '--model': model }, { message: /model\.safetensors.*fetch it again/ });
  });

  test('whose header claims more bytes than the file has', async () => {
    const { model, weights } = copy('long-header');
    const bytes = readFileSync(weights);
    bytes.writeBigUInt64LE(BigInt(bytes.length));
    writeFileSync(weights, bytes);
    await expectRefusal({ '--model': model }, { message: /model\.safetensors.*fetch it again/ });
  });

  test('whose header length is beyond all bounds', async () => {
    const { model, weights } = copy('endless-header');
    const bytes = readFileSync(weights);
    bytes.writeBigUInt64LE(2n ** 63n + 1n);
    writeFileSync(weights, bytes);
    await expectRefusal({ '--model': model }, { message: /model\.safetensors.*9223372036854775809/ });
  });

  test('whose tensors claim more bytes than the file has', async () => {
    const { model, weights } = copy('short-data');
    truncateSync(weights, readFileSync(weights).length - 4);
    await expectRefusal(
      { '--model': model },
      { message: /is cut off: its header claims \d+ bytes, the file has \d+/ },
    );
  });

  test('whose header is no JSON', () =>
    expectRefusal(
      { '--model': withHeader('no-json', (json) => `{${json}`) },
      { message: /the header is not JSON/ },
    ));

  test('whose tensor has a negative size', () =>
    expectRefusal(
      {
        '--model': withHeader('negative-tensor', (json) =>
          json.replace('"shape":[61,32]', '"shape":[-61,32]'),
        ),
      },
      { message: /tensor "model\.embed_tokens\.weight": shape\.0/ },
    ));

  test('whose tensor is not of the size that config.json says', () =>
    expectRefusal(
      { '--model': withHeader('other-size', (json) => json.replace('"shape":[61,32]', '"shape":[32,61]')) },
      { message: /model\.embed_tokens\.weight.*\[32, 61\].*\[61, 32\]/ },
    ));

  test.each(['F4', 'I32'])('whose tensor is of type %s', (type) =>
    expectRefusal(
      { '--model': withHeader(`type-${type}`, (json) => json.replace('"F32"', `"${type}"`)) },
      { message: new RegExp(`${type}.*F32`) },
    ),
  );

  test.each(['NaN', '-32', '0', '1e999', '32.5', '"32"', 'null'])('whose hidden_size is %s', (value) =>
    expectRefusal(
      {
        '--model': withConfig(`hidden-${value}`, (json) =>
          json.replace('"hidden_size":32', `"hidden_size":${value}`),
        ),
      },
      { message: value === 'NaN' ? /config\.json.*JSON/ : /config\.json.*hidden_size/ },
    ),
  );

  test('of an architecture that is not supported', () =>
    expectRefusal(
      { '--model': withConfig('gpt2', (json) => json.replace('"llama"', '"gpt2"')) },
      { message: /gpt2 is not supported; supported: .*llama.*falcon/ },
    ));

  test.each([
    ['synthetic:gpt-5', /choose one of .*tinyllama-1\.1b/],
    ['synthetic:tinyllama-1.1b,layers=-1', /layers is "-1"; give a whole number from 1/],
  ])('named %s', (model, message) => expectRefusal({ '--model': model }, { message }));
});

describe('a prompt', () => {
  test('that is longer than the context, which is never cut', () =>
    expectRefusal(
      { '--prompt-ids': Array.from({ length: 65 }, () => 1).join() },
      { message: /prompt of 65 tokens .* context is 64; shorten/ },
    ));

  test('that leaves no room for the new tokens', () =>
    expectRefusal({ '--max-tokens': '61' }, { message: /4 tokens plus 61 new ones is 65, but .* 64/ }));

  test('with a token that the model does not have', () =>
    expectRefusal({ '--prompt-ids': '1,61' }, { message: /token id 61 is not in .* vocabulary of 61/ }));

  test('that is empty, at standard input', () =>
    expectRefusal({ '--prompt-ids': '' }, { message: /standard input is empty/ }));

  test('that is an empty file', async () => {
    const file = join(folder, 'empty.txt');
    writeFileSync(file, '');
    await expectRefusal({ '--prompt-ids': '', '--prompt-file': file }, { message: /empty\.txt is empty/ });
  });

  test('in a file that does not exist', () =>
    expectRefusal(
      { '--prompt-ids': '', '--prompt-file': join(folder, 'none.txt') },
      { message: /none\.txt can not be read/ },
    ));

  test('in a file that is not UTF-8', async () => {
    const file = join(folder, 'latin1.txt');
    writeFileSync(file, Buffer.from('caf\xe9 au lait', 'latin1'));
    await expectRefusal({ '--prompt-ids': '', '--prompt-file': file }, { message: /latin1\.txt.*UTF-8/ });
  });

  test('at standard input that is not UTF-8', () =>
    expectRefusal(
      { '--prompt-ids': '' },
      { message: /standard input.*UTF-8/, input: Uint8Array.of(0x61, 0xff) },
    ));
});

describe('a flag', () => {
  test.each([
    ['--workers', '0', /--workers.*0.*1.*64/],
    ['--workers', '1000', /--workers.*1000.*64/],
    ['--workers', 'abc', /--workers.*abc.*64/],
    ['--workers', '-2', /--workers/],
    ['--workers', '1.5', /--workers.*1\.5/],
    ['--threads', '0', /--threads.*0/],
    ['--dtype', 'f8', /--dtype f8 is unknown; give one of f32, q8, q4, w8a8, auto/],
    ['--dtype', 'AUTO', /--dtype AUTO is unknown; give one of f32, q8, q4, w8a8, auto/],
    ['--kv-dtype', 'q4', /--kv-dtype q4 is unknown; give one of f32, f16, q8/],
    ['--kv-dtype', 'F16', /--kv-dtype F16 is unknown; give one of f32, f16, q8/],
    ['--partition', '2,1', /2,1 adds up to 3 tokens, but the prompt has 4/],
    ['--partition', '5,-1', /--partition 5,-1 is no partition/],
    ['--partition', '4,0', /partition size 0 .* at least 1/],
    ['--partition', 'x', /--partition x is no partition/],
    ['--temperature', 'NaN', /--temperature.*NaN/],
    ['--max-tokens', '0', /--max-tokens.*0/],
    ['--strategy', 'fast', /--strategy fast is unknown/],
  ])('%s %s', (flag, value, message) => expectRefusal({ [flag]: value }, { message }));

  test('that does not exist', () => expectRefusal({ '--wrokers': '2' }, { message: /--wrokers.*--help/ }));
});

describe('a cache folder', () => {
  test('that can not be made', () =>
    expectRefusal({ '--cache-dir': '/proc/kvr-cache' }, { message: /\/proc\/kvr-cache can not be written/ }));

  test('that is a file', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    await expectRefusal({ '--cache-dir': file }, { message: /a-file can not be written/ });
  });

  test.skipIf(process.getuid?.() === 0)(
    'without the right to write (skipped as root, who may always)',
    async () => {
      const locked = join(folder, 'locked');
      mkdirSync(locked);
      chmodSync(locked, 0o500);
      await expectRefusal({ '--cache-dir': locked }, { message: /locked can not be written/ });
    },
  );

  test.skipIf(!canMount())(
    'on a disk that is full (skipped where no small disk can be mounted)',
    async () => {
      const disk = join(folder, 'small-disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
      try {
        await expectRefusal(
          { '--cache-dir': disk, '--model': 'synthetic:tinyllama-1.1b,layers=1,vocab=300' },
          { message: /no room left in the cache .*small-disk.*--cache-dir/ },
        );
        expect(execFileSync('du', ['-sk', disk], { encoding: 'utf8' })).toMatch(/^\d{1,2}\t/);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );
});

/** Mounting takes root, and more than root in many containers. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const place = mkdtempSync(join(tmpdir(), 'kvr-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place], { stdio: 'ignore' });
    execFileSync('umount', [place]);
    return true;
  } catch (error) {
    console.warn(`no disk of a test's own: ${String(error)}`);
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

describe('flags', () => {
  test('of a command: the remedy is the help of that command', () =>
    expectRefusal({ '--nope': '1' }, { message: /unknown option '--nope'; see kvr generate --help/ }));

  test.each(['10.0.0.1', '1.5', 'two'])('workers %s', (workers) =>
    expectRefusal(
      { '--workers': workers },
      { message: /--workers \S+ is neither .*; give a whole number from 1 to 64, or HOST:PORT,HOST:PORT/ },
    ),
  );

  test('fewer threads to decode than to read', () =>
    expectRefusal(
      { '--threads': '2', '--decode-threads': '1' },
      { message: /1 decode threads are fewer than the 2 threads of each worker; give 2 or more/ },
    ));

  test('a JSON schema with a keyword that is not supported names the file', () => {
    const file = join(folder, 'again.json');
    writeFileSync(file, '{"type":"string","pattern":"(a)\\\\1"}');
    return expectRefusal(
      { '--json-schema': file },
      { message: /--json-schema .*again\.json: #: .* is not supported; write it another way/ },
    );
  });
});
