/**
 * Latency for a link: a TCP relay that hands on every byte so many milliseconds after it came, in both directions. Runs in
 * the far namespace as a process of its own:  node relay.js LISTEN_HOST PORT TARGET_PORT ONE_WAY_MS
 * Without a delay bytes are handed on at once; the hop alone then takes about 0.1 ms.
 */
import { connect, createServer, type Socket } from 'node:net';

/** What may be on its way in one direction: 10 Gbit/s times 10 ms. Above it the sender is held back. */
const MAX_IN_FLIGHT_BYTES = 16 << 20;

const [host = '', port = '', target = '', delay = ''] = process.argv.slice(2);
const oneWayMs = Number(delay);

createServer({ noDelay: true }, (near) => {
  const far = connect({ host: '127.0.0.1', port: Number(target), noDelay: true });
  join(near, far);
  join(far, near);
}).listen(Number(port), host, () => process.stdout.write('relay listens\n'));

function join(from: Socket, to: Socket): void {
  from.on('error', () => to.destroy());
  if (oneWayMs === 0) {
    from.pipe(to);
    return;
  }
  let inFlightBytes = 0;
  from.on('data', (bytes) => {
    inFlightBytes += bytes.length;
    if (inFlightBytes > MAX_IN_FLIGHT_BYTES) from.pause();
    setTimeout(() => {
      inFlightBytes -= bytes.length;
      if (inFlightBytes <= MAX_IN_FLIGHT_BYTES) from.resume();
      if (!to.destroyed) to.write(bytes);
    }, oneWayMs);
  });
  from.on('close', () => setTimeout(() => to.end(), oneWayMs));
}
