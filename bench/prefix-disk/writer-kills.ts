/**
 * Kills a process that does nothing but write blocks, and looks at what it left: a folder that opens, with blocks that are whole.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/core/random.js';
import { BlockFolder } from '../../src/prefix-store/block-folder.js';
import { BlockWriter } from '../../src/prefix-store/block-writer.js';
import { BLOCKS, LIMIT_BYTES, madeBlock, MODEL } from './made-blocks.js';

/** Some hundred blocks are written in it. */
const WRITE_MS = 30;

export type WriterKills = {
  kills: number;
  blocksRead: number;
  wrong: number;
  damaged: number;
  warnings: number;
};

/** @param onKill called after each kill, with what was found so far */
export async function killWriters(
  count: number,
  seed: number,
  onKill: (kills: WriterKills) => void,
): Promise<WriterKills> {
  const folder = await mkdtemp(join(tmpdir(), 'kvr-writer-kills-'));
  const found: WriterKills = { kills: 0, blocksRead: 0, wrong: 0, damaged: 0, warnings: 0 };
  const random = seededRandom(seed);
  try {
    while (found.kills < count) {
      await killOne(folder, found.kills + seed, random() * WRITE_MS, found);
      await lookAt(folder, found);
      found.kills++;
      onKill(found);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return found;
}

async function killOne(folder: string, seed: number, afterMs: number, found: WriterKills): Promise<void> {
  const program = fileURLToPath(new URL('./writer-process.js', import.meta.url));
  const child = spawn(process.execPath, [program, folder, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout.on('data', (text) => (said += String(text)));
  await Promise.race([once(child.stdout, 'data'), ended]);
  await delay(afterMs);
  child.kill('SIGKILL');
  await ended;
  // All but the line that says it is open.
  found.warnings += said.split('\n').filter((line) => line !== '' && line !== 'open').length;
}

async function lookAt(path: string, found: WriterKills): Promise<void> {
  const folder = new BlockFolder(path, MODEL);
  const nothing = (): void => undefined;
  const events = { onStored: nothing, onGone: nothing, onWarning: () => void found.warnings++ };
  await new BlockWriter(folder, { limitBytes: LIMIT_BYTES, hasWindows: true }, events).open();
  for (let block = 0; block < BLOCKS; block++) {
    const { hash, start, rows } = madeBlock(block);
    const read = await folder.read(hash);
    if (read === 'missing') continue;
    if (read === 'damaged') found.damaged++;
    else if (read.start !== start || Buffer.compare(read.rows, rows) !== 0) found.wrong++;
    else found.blocksRead++;
  }
}
