/**
 * The page's script as it was built, beside this file.
 */
import { readFile } from 'node:fs/promises';

/** @returns text that can stand in a script element */
export async function pageScript(): Promise<string> {
  const script = await readFile(new URL('./browser/timeline.js', import.meta.url), 'utf8');
  // A source map would be asked for beside the page, where there is none.
  return script.replace(/^\/\/# sourceMappingURL=.*$/m, '').replaceAll('</script', String.raw`<\/script`);
}
