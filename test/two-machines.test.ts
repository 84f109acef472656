/**
 * docs/two-machines.md, typed as it is written, on two machines that are network namespaces of this one. Installing is test/install.test.ts'
 * matter: here `kvr` is the one that was built, and `scp` copies from one home to the other.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMAND, RunningCommand } from './support/running-command.js';
import {
  type Machine,
  MACHINES,
  makeMachines,
  removeMachines,
  shellOn,
  whyNoNamespaces,
} from './support/two-namespaces.js';

const PAGE = readFileSync(fileURLToPath(new URL('../docs/two-machines.md', import.meta.url)), 'utf8');
const WHY_NOT = whyNoNamespaces();

/** The first line to type that begins so, from blocks and from the text. */
function typed(beginning: string): string {
  const lines = [...PAGE.matchAll(/^ {7}(\S.*)$|`(kvr [^`]*)`/gm)].map(
    ([, block, text]) => block ?? text ?? '',
  );
  const found = lines.find((line) => line.startsWith(beginning));
  if (found === undefined) throw new Error(`the page has no line that begins with ${beginning}`);
  return found;
}

describe.skipIf(WHY_NOT !== undefined)(`two machines (${WHY_NOT ?? 'namespaces'})`, () => {
  let folder = '';
  const running: RunningCommand[] = [];
  const homeOf = (machine: Machine): string => join(folder, machine);

  const type = (machine: Machine, line: string): RunningCommand => {
    const env = {
      ...process.env,
      HOME: homeOf(machine),
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    };
    const started = { program: shellOn(machine), cwd: homeOf(machine), env };
    running.push(new RunningCommand([line], started));
    return running.at(-1) as RunningCommand;
  };
  const typeToTheEnd = async (machine: Machine, line: string): Promise<RunningCommand> => {
    const command = type(machine, line);
    expect([line, await command.ends(), command.stderr.replace(/^kvr: .*\n/gm, '')]).toEqual([
      line,
      0,
      expect.anything(),
    ]);
    return command;
  };
  const stop = async (commands: readonly RunningCommand[]): Promise<void> => {
    for (const { child } of commands) child.kill('SIGTERM');
    await Promise.all(commands.map((command) => command.ends()));
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvr-two-machines-'));
    for (const name of ['bin', ...MACHINES]) mkdirSync(join(folder, name));
    const programs = { kvr: `exec ${process.execPath} ${COMMAND} "$@"`, scp: `cp "$1" ${folder}/"\${2%:}"/` };
    for (const [name, line] of Object.entries(programs)) {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${line}\n`);
      chmodSync(join(folder, 'bin', name), 0o755);
    }
    makeMachines();
  });
  afterAll(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map((command) => command.ends()));
    removeMachines();
    rmSync(folder, { recursive: true, force: true });
  });

  test('from nothing to a first answer', async () => {
    await typeToTheEnd('a', typed('(umask 077; kvr key'));
    await typeToTheEnd('a', typed('scp room.key'));
    const workers = MACHINES.map((machine) => type(machine, typed('kvr worker --model quote --listen')));
    for (const worker of workers) await worker.says(/kvr worker listens on 0\.0\.0\.0:7001 · model quote/);
    const answer = await typeToTheEnd('a', typed('kvr generate'));
    expect(answer.stdout).toMatch(/77/);
    const list = await typeToTheEnd('a', typed('kvr cluster'));
    expect(list.stdout).toMatch(/^a:7001 · usable · .* · to b:7001 \d.*\nb:7001 · usable/);
    await stop(workers);
  });

  test('workers that join by themselves', async () => {
    const server = type('a', typed('kvr serve --model quote --listen-workers'));
    await server.says(/type: kvr worker --join 10\.213\.78\.1:7001/);
    const workers = MACHINES.map((machine) => type(machine, typed('kvr worker --join')));
    await server.says(/2 workers can be used/);
    const list = await typeToTheEnd('a', 'kvr cluster --server http://127.0.0.1:8080');
    expect(list.stdout.match(/ · usable · /g)).toHaveLength(2);
    await stop(workers);
    await server.says(/ as it said; 0 workers can be used/);
  });
});
