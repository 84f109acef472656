/**
 * The built `kvr serve` in a process of its own, and a real browser to look at its page with.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HANG_LIMIT_MS } from './until.js';

const ENTRY = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Where distributions put it; undefined where there is none. */
export const chromiumPath = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== '' && existsSync(path));

export class ServedPage {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** @param environment in addition to this process's @throws where it does not say that it listens */
  static async start(workers: number, environment: Record<string, string> = {}): Promise<ServedPage> {
    const flags = ['--model', 'quote', '--workers', String(workers), '--port', '0', '--json', '--quiet'];
    const child = spawn(process.execPath, [ENTRY, 'serve', ...flags], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServedPage(await urlOf(child), child);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGINT');
    await ended;
  }
}

function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    let errors = '';
    const limit = setTimeout(() => reject(new Error(`not listening: ${errors}`)), HANG_LIMIT_MS);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
    child.once('exit', () => reject(new Error(`ended before it listened: ${errors}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [line, rest] = said.split('\n', 2);
      if (rest === undefined) return;
      clearTimeout(limit);
      resolve((JSON.parse(line ?? '') as { url: string }).url);
    });
  });
}
