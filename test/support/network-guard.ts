/**
 * Watches every Node process that is started with `env`, and those which these start: whom it connects to is written
 * down, and whoever is not allowed is refused. This machine itself is always allowed, and not written down.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Loaded by Node before the program; a text because it runs in other processes, from any folder. */
const PRELOAD = `
  const { appendFileSync } = require('node:fs');
  const { Socket } = require('node:net');
  const { KVR_TEST_NETWORK_LOG: log, KVR_TEST_NETWORK_ALLOWED: allowed } = process.env;
  const write = (entry) => appendFileSync(log, JSON.stringify(entry) + '\\n');
  const connect = Socket.prototype.connect;
  const sockets = [];
  Socket.prototype.connect = function (...given) {
    // Node's own callers hand over their arguments as one array.
    const [to, second] = Array.isArray(given[0]) ? given[0] : given;
    const { host = 'localhost', path } = typeof to === 'object' ? to : { host: second };
    if (path || ['localhost', '127.0.0.1', '::1'].includes(host)) return connect.apply(this, given);
    write({ host, bytes: 0 });
    if (host !== allowed) return this.destroy(new Error('the network guard refuses ' + host));
    sockets.push([host, this]);
    return connect.apply(this, given);
  };
  process.on('exit', () => sockets.forEach(([host, { bytesRead: bytes }]) => write({ host, bytes })));
`;

export type NetworkGuard = {
  readonly env: NodeJS.ProcessEnv;
  /** Bytes received so far, by host; a host that was refused has none. */
  received(): Map<string, number>;
};

/** Keeps its two files in `folder`. */
export function guardNetwork(folder: string, allowed: string): NetworkGuard {
  const [preload, log] = [join(folder, 'network-guard.cjs'), join(folder, 'network.log')];
  writeFileSync(preload, PRELOAD);
  return {
    env: {
      NODE_OPTIONS: `--require ${preload}`,
      KVR_TEST_NETWORK_LOG: log,
      KVR_TEST_NETWORK_ALLOWED: allowed,
    },
    received: () => totals(existsSync(log) ? readFileSync(log, 'utf8') : ''),
  };
}

function totals(log: string): Map<string, number> {
  const received = new Map<string, number>();
  for (const line of log.split('\n').filter(Boolean)) {
    const { host, bytes } = JSON.parse(line) as { host: string; bytes: number };
    received.set(host, (received.get(host) ?? 0) + bytes);
  }
  return received;
}
