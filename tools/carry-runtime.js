/**
 * Copies into dist/onnxruntime what the program needs of onnxruntime-node, so that a packed kv-runahead brings its own
 * kernels: the JavaScript and the CPU files of the platforms below, without the install script (it fetches CUDA files)
 * and without other platforms' files. Called by `npm run build`; docs/install.md tells why.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const FROM = 'node_modules/onnxruntime-node';
const OUT = 'dist/onnxruntime';
const FILES = [
  'README.md',
  'dist/index.js',
  'dist/backend.js',
  'dist/binding.js',
  'dist/version.js',
  // Two for each platform that is tested; docs/install.md has the way for others.
  'bin/napi-v6/linux/x64/libonnxruntime.so.1',
  'bin/napi-v6/linux/x64/onnxruntime_binding.node',
];

/**
 * @typedef {{ name: string, version: string, license: string, author: string, repository: object, main: string,
 *   dependencies: Record<string, string> }} Manifest
 * @param {string} folder
 */
async function manifestOf(folder) {
  /** @type {unknown} */
  const manifest = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  return /** @type {Manifest} */ (manifest);
}

const { name, version, license, author, repository, main } = await manifestOf(FROM);
if ((await manifestOf('.')).dependencies['onnxruntime-common'] !== version)
  throw new Error(`package.json must depend on onnxruntime-common ${version}, the version of ${name}`);

await rm(OUT, { recursive: true, force: true });
for (const file of FILES) {
  await mkdir(dirname(`${OUT}/${file}`), { recursive: true });
  await copyFile(`${FROM}/${file}`, `${OUT}/${file}`);
}
// onnxruntime-node names its licence, which asks that its text goes along, and leaves the text out.
await copyFile('tools/onnxruntime-licence.txt', `${OUT}/LICENSE`);
// No scripts; "commonjs" because the package around it is of the other kind.
const carried = { name, version, license, author, repository, type: 'commonjs', main };
await writeFile(`${OUT}/package.json`, `${JSON.stringify(carried, null, 2)}\n`);
