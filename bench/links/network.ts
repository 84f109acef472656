/**
 * Two network namespaces joined by a link of a given speed: a veth pair with a token bucket (tc tbf) on either end.
 * Linux, root, iproute2. Latency is added by relay.ts, because not every kernel has netem.
 */
import { execFileSync } from 'node:child_process';

export const NEAR = { namespace: 'kvr-near', device: 'kvrnear', host: '10.213.77.1' } as const;
export const FAR = { namespace: 'kvr-far', device: 'kvrfar', host: '10.213.77.2' } as const;

/** Token buckets hand out so much at once at least: less than a timer's tick of traffic would slow the link. */
const MIN_BURST_BYTES = 128 * 1024;
const BURST_MS = 1;
/** What may queue before packets are dropped, as in a small switch. */
const QUEUE_MS = 20;

/** Makes both namespaces, removing what an earlier run may have left. */
export function makeNetwork(): void {
  removeNetwork();
  for (const { namespace } of [NEAR, FAR]) ip('netns', 'add', namespace);
  ip('link', 'add', NEAR.device, 'type', 'veth', 'peer', 'name', FAR.device);
  for (const { namespace, device, host } of [NEAR, FAR]) {
    ip('link', 'set', device, 'netns', namespace);
    ip('-n', namespace, 'addr', 'add', `${host}/24`, 'dev', device);
    ip('-n', namespace, 'link', 'set', device, 'up');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }
}

/** Limits both directions of the link. */
export function shape(bitsPerS: number): void {
  const burstBytes = Math.max(MIN_BURST_BYTES, Math.round((bitsPerS / 8) * (BURST_MS / 1000)));
  for (const { namespace, device } of [NEAR, FAR]) {
    const bucket = ['tbf', 'rate', `${bitsPerS}bit`, 'burst', `${burstBytes}b`, 'latency', `${QUEUE_MS}ms`];
    execFileSync('tc', ['-n', namespace, 'qdisc', 'replace', 'dev', device, 'root', ...bucket], {
      stdio: 'inherit',
    });
  }
}

/** Removing a namespace removes its end of the link and thereby the other end. */
export function removeNetwork(): void {
  const present = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const { namespace } of [NEAR, FAR]) {
    if (new RegExp(`^${namespace}\\b`, 'm').test(present)) ip('netns', 'del', namespace);
  }
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: 'inherit' });
}
