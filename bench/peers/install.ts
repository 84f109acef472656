/**
 * Puts the peer, a published binary of llama.cpp, into a folder of its own. Never a dependency of this package.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const VERSION = '3.22.1';
export const PEER = `node-llama-cpp ${VERSION}`;
const INSTALL_TIMEOUT_MS = 600_000;

/** CPU builds by platform; the package's other optional binaries (CUDA, Vulkan) would be 700 MB that nobody runs here. */
const BINARIES: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'mac-x64',
  'darwin-arm64': 'mac-arm64-metal',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
};

/** @returns the module to import. @throws Error where there is no binary for this machine or npm fails */
export async function installPeer(folder: string, note: (text: string) => void): Promise<string> {
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  if (await isThere(entry)) return entry;
  const binary = BINARIES[`${process.platform}-${process.arch}`];
  if (!binary) throw new Error(`node-llama-cpp has no binary for ${process.platform} ${process.arch}`);
  note(`installing ${PEER} into ${folder}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  const packages = [`node-llama-cpp@${VERSION}`, `@node-llama-cpp/${binary}@${VERSION}`];
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional', '--loglevel=error'];
  await promisify(execFile)('npm', ['install', ...flags, ...packages], {
    cwd: folder,
    timeout: INSTALL_TIMEOUT_MS,
    shell: process.platform === 'win32',
  });
  return entry;
}

export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
