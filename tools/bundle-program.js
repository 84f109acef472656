/**
 * Puts each program of dist/ into one file with the libraries it needs, and what a command loads later into a few more:
 * to find, read and link some hundred modules takes longer than all else that a start does. The library (dist/index.js,
 * plan, simulate) stays as the compiler wrote it. Called by `npm run build`, after the compiler.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { build } from 'esbuild';

/** Every process and thread of ours, as a file of src/ and of dist/. */
const PROGRAMS = [
  'cli/main',
  'worker/main',
  'worker/compute-thread',
  'worker/store-thread',
  'engine/preparation/preparation-thread',
];
/**
 * Stay packages: modules of CommonJS, which ask for Node's at run time, one without a text of its licence, and a large one that
 * only `kvr pull` loads. The kernels are not imported but found at run time.
 */
const NOT_BUNDLED = [
  ...['commander', 'pino', 'prom-client', '@bufbuild/protobuf', '@huggingface/hub'],
  '@nats-io/transport-node',
];
const PART = 'part-';

/**
 * Two changes on the way into a bundle. A module finds files by its own address, which there has to lead back to where
 * the module would be. And of a library's namespace only what is used goes along where it is imported as one (of zod a
 * third).
 *
 * @param {string} folder of the bundle, within dist/
 * @returns {import('esbuild').Plugin}
 */
function forBundles(folder) {
  return {
    name: 'for bundles',
    setup: (bundler) => {
      bundler.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const place = relative(folder, relative('src', path)).replace(/\.ts$/, '.js').split(sep).join('/');
        const address = `new URL(${JSON.stringify(place)}, import.meta.url).href`;
        const text = (await readFile(path, 'utf8'))
          .replaceAll('import.meta.url', address)
          .replace("import { z } from 'zod';", "import * as z from 'zod';");
        return { contents: text, loader: 'ts' };
      });
    },
  };
}

/**
 * @param {string} program
 * @returns {Promise<string[]>} the libraries that are inside
 */
async function bundle(program) {
  const folder = dirname(program);
  const { metafile } = await build({
    entryPoints: [{ in: `src/${program}.ts`, out: basename(program) }],
    outdir: join('dist', folder),
    // Beside the program, so that addresses lead the same way from all of them.
    chunkNames: `${PART}[hash]`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: NOT_BUNDLED,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    plugins: [forBundles(folder)],
    logLevel: 'warning',
  });
  const paths = Object.keys(metafile.inputs);
  return paths.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
}

/**
 * Of an earlier build.
 *
 * @param {string} folder
 */
async function removeParts(folder) {
  const parts = (await readdir(folder)).filter((name) => name.startsWith(PART));
  await Promise.all(parts.map((name) => rm(join(folder, name))));
}

await Promise.all([...new Set(PROGRAMS.map(dirname))].map((folder) => removeParts(join('dist', folder))));
const libraries = new Set((await Promise.all(PROGRAMS.map(bundle))).flat());
const licences = [...libraries].sort().map(async (name) => {
  const text = await readFile(`node_modules/${name}/LICENSE`, 'utf8');
  return `${name}\n\n${text.trim()}\n`;
});
await writeFile('dist/licences.txt', (await Promise.all(licences)).join(`\n${'-'.repeat(60)}\n\n`));
