import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const dist = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../dist/${path}`, import.meta.url)));

/** Opens a session and waits as long as the runtime's reporting takes to begin. */
const PROGRAM = `
  import { openSession } from ${dist('runtime/sessions/kernels.js')};
  import { GraphBuilder } from ${dist('model/graph/graph-builder.js')};
  import { encodeModel } from ${dist('model/graph/proto.js')};
  const graph = new GraphBuilder('identity');
  graph.node('Identity', [graph.input('x', 'f32', [1])], { outputs: ['y'] });
  graph.output('y', 'f32', [1]);
  const session = await openSession(encodeModel(graph.build()), { threads: 1 });
  console.log(process.env.ORT_DISABLE_TELEMETRY);
  await session.close();`;

/** @returns what the program printed and what it left in its temporary folder */
function runWith(environment: NodeJS.ProcessEnv): { printed: string; left: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-telemetry-'));
  try {
    // The runtime stays silent by itself where CI is set; that would hide what is tested.
    const clean = { ...process.env };
    delete clean['CI'];
    delete clean['ORT_DISABLE_TELEMETRY'];
    const env = { ...clean, TMPDIR: folder, ...environment };
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      env,
      encoding: 'utf8',
    });
    return { printed: printed.trim(), left: readdirSync(folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the kernel runtime does not report to its maker, nor leave the files of its reporting', () => {
  expect(runWith({})).toEqual({ printed: '1', left: [] });
});

test('who sets the variable decides', () => {
  expect(runWith({ ORT_DISABLE_TELEMETRY: '0' }).printed).toBe('0');
});
