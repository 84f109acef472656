/**
 * Bundles the page (src/web) into dist/web: index.html, app.js, app.css, icon.svg, and the licences of the libraries
 * that are inside app.js. Called by `npm run build`.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const OUT = 'dist/web';
/** Libraries whose code is bundled, so that their licences go along. */
const BUNDLED = ['preact', '@preact/signals', '@preact/signals-core', 'uplot', 'eventsource-parser'];

await rm(OUT, { recursive: true, force: true });
await build({
  entryPoints: [
    { in: 'src/web/main.tsx', out: 'app' },
    { in: 'src/web/style/index.css', out: 'app' },
    { in: 'src/web/index.html', out: 'index' },
    { in: 'src/web/icon.svg', out: 'icon' },
  ],
  outdir: OUT,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  // Example texts are part of the program: the page loads nothing but itself.
  loader: { '.html': 'copy', '.svg': 'copy', '.txt': 'text' },
  logLevel: 'warning',
});
const licences = BUNDLED.map(async (name) => {
  const text = await readFile(`node_modules/${name}/LICENSE`, 'utf8');
  return `${name}\n\n${text.trim()}\n`;
});
await writeFile(`${OUT}/licences.txt`, (await Promise.all(licences)).join(`\n${'-'.repeat(60)}\n\n`));
