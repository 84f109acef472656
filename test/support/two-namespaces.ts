/**
 * Two machines `a` and `b` as network namespaces of this one, joined by a cable, that know each other by name. Linux, root, iproute2.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const MACHINES = ['a', 'b'] as const;
export type Machine = (typeof MACHINES)[number];

const HOSTS = { a: '10.213.78.1', b: '10.213.78.2' };
const namespaceOf = (machine: Machine): string => `kvr-doc-${machine}`;
const deviceOf = (machine: Machine): string => `kvrdoc${machine}`;
/** `ip netns exec` puts what lies here over /etc. */
const etcOf = (machine: Machine): string => join('/etc/netns', namespaceOf(machine));

/** Undefined where there can be namespaces. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const { status } = spawnSync('ip', ['netns', 'list']);
  return status === 0 ? undefined : 'network namespaces need iproute2';
}

export function makeMachines(): void {
  removeMachines();
  for (const machine of MACHINES) ip('netns', 'add', namespaceOf(machine));
  ip('link', 'add', deviceOf('a'), 'type', 'veth', 'peer', 'name', deviceOf('b'));
  const names = MACHINES.map((machine) => `${HOSTS[machine]} ${machine}\n`).join('');
  for (const machine of MACHINES) {
    const [namespace, device] = [namespaceOf(machine), deviceOf(machine)];
    ip('link', 'set', device, 'netns', namespace);
    ip('-n', namespace, 'addr', 'add', `${HOSTS[machine]}/24`, 'dev', device);
    ip('-n', namespace, 'link', 'set', device, 'up');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    mkdirSync(etcOf(machine), { recursive: true });
    writeFileSync(join(etcOf(machine), 'hosts'), `127.0.0.1 localhost\n${names}`);
  }
}

/** Removing a namespace removes its end of the cable and thereby the other end. */
export function removeMachines(): void {
  for (const machine of MACHINES) {
    spawnSync('ip', ['netns', 'del', namespaceOf(machine)]);
    rmSync(etcOf(machine), { recursive: true, force: true });
  }
}

/** Runs a line of a shell on the machine. */
export function shellOn(machine: Machine): [string, ...string[]] {
  return ['ip', 'netns', 'exec', namespaceOf(machine), 'bash', '-c'];
}

function ip(...words: string[]): void {
  execFileSync('ip', words);
}
