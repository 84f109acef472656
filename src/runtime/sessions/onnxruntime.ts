/**
 * Finds the kernel runtime (ONNX Runtime's Node binding): an installed onnxruntime-node of the right version, or the
 * copy of its CPU files that a released package carries (tools/carry-runtime.js). Only kernels.ts calls it.
 * docs/install.md tells why the package does not simply depend on onnxruntime-node.
 */
import './no-telemetry.js';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as ort from 'onnxruntime-common';
import { asKvrError, firstLine, KvrError } from '../../core/errors.js';

export type Onnxruntime = typeof ort;

/** Where the runtime is looked for. */
export type Surroundings = {
  readonly require: (id: string) => unknown;
  /** Folder of the carried copy, ending in a slash. It holds the files of the platforms it was made for. */
  readonly carried: string;
  readonly platform: string;
  readonly arch: string;
};

const HERE: Surroundings = {
  require: createRequire(import.meta.url),
  carried: fileURLToPath(new URL('../../onnxruntime/', import.meta.url)),
  platform: process.platform,
  arch: process.arch,
};

/** Loaded with this file, on the process's first thread; that it is missing is told to who needs it first. */
const loaded = attempt();

function attempt(): Onnxruntime | KvrError {
  try {
    const found = loadOnnxruntime(HERE);
    // The runtime's warnings speak of its own graphs, not of anything a user can change.
    found.env.logLevel = 'error';
    return found;
  } catch (error) {
    return asKvrError(error);
  }
}

/** @throws NO_KERNELS as loadOnnxruntime() does */
export function onnxruntime(): Onnxruntime {
  if (loaded instanceof KvrError) throw loaded;
  return loaded;
}

/** @returns the loaded runtime. @throws NO_KERNELS where there is none for this platform, or it can not be loaded */
export function loadOnnxruntime(here: Surroundings): Onnxruntime {
  const { carried, platform, arch } = here;
  const common = here.require('onnxruntime-common') as Onnxruntime;
  // The binding and onnxruntime-common must be of one version.
  const needed = common.env.versions.common;
  const installed = installedVersion(here);
  if (installed === needed) return load('onnxruntime-node', here);
  if (existsSync(`${carried}bin/napi-v6/${platform}/${arch}`)) return load(carried, here);
  const found = installed === undefined ? '' : ` (${installed} is there, which does not fit)`;
  throw new KvrError(
    'NO_KERNELS',
    `this package brings no compute kernels for ${platform} ${arch}: add them with "npm install onnxruntime-node@${needed}"${found}`,
    { platform, arch },
  );
}

function installedVersion({ require }: Surroundings): string | undefined {
  try {
    return (require('onnxruntime-node/package.json') as { version: string }).version;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function load(from: string, { require, platform, arch }: Surroundings): Onnxruntime {
  try {
    return require(from) as Onnxruntime;
  } catch (error) {
    const reason = firstLine(error instanceof Error ? error.message : String(error));
    const needs = platform === 'linux' ? ' (they need glibc 2.28 or newer)' : '';
    const message = `the compute kernels for ${platform} ${arch} can not be loaded${needs}: ${reason}`;
    throw new KvrError('NO_KERNELS', message, { platform, arch }, error);
  }
}
