/** Where the package and its command lie, seen from a built benchmark: build/bench/runner. */
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The built command. */
export const KVR = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
