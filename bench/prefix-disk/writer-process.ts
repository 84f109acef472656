/**
 * Writes blocks into a folder until it is killed: more than its bound holds, so that blocks come and go all the time. Started by
 * writer-kills.ts. Arguments: the folder, a seed.
 */
import { seededRandom } from '../../src/core/random.js';
import { BlockFolder } from '../../src/prefix-store/block-folder.js';
import { BlockWriter } from '../../src/prefix-store/block-writer.js';
import { BLOCKS, LIMIT_BYTES, MODEL, madeBlock } from './made-blocks.js';

const [path = '', seed = '1'] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const nothing = (): void => undefined;
const writer = new BlockWriter(
  new BlockFolder(path, MODEL),
  { limitBytes: LIMIT_BYTES, hasWindows: true },
  { onStored: nothing, onGone: nothing, onWarning: (words) => process.stdout.write(`${words}\n`) },
);
await writer.open();
process.stdout.write('open\n');
for (;;) await writer.write(madeBlock(Math.floor(random() * BLOCKS)));
