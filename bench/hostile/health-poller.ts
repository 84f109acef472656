/**
 * A process of its own that asks /healthz again and again, so that what it waits is the server's doing and not its
 * parent's. Answers each message of its parent with the longest wait since the one before.
 */
const POLL_MS = 10;

const { url } = JSON.parse(process.argv[2] ?? '{}') as { readonly url: string };
let longestMs = 0;
let startMs = performance.now();

async function poll(): Promise<void> {
  startMs = performance.now();
  await (await fetch(`${url}/healthz`)).text();
  longestMs = Math.max(longestMs, performance.now() - startMs);
  startMs = Infinity;
  setTimeout(() => void poll(), POLL_MS);
}

process.on('message', () => {
  // One that is under way counts as far as it has come.
  process.send?.({ longestMs: Math.max(longestMs, performance.now() - startMs) });
  longestMs = 0;
});
process.once('disconnect', () => process.exit());
await poll();
process.send?.({ type: 'ready' });
