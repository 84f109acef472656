/**
 * The machines of a running server, as it tells them itself.
 */
import { type MachineList, machineListSchema } from '../../core/documents/machine-list.js';
import { firstLine, KvrError } from '../../core/errors.js';

const ANSWER_TIMEOUT_MS = 10_000;
/** Of an answer: a few hundred bytes for each machine. */
const MAX_ANSWER_BYTES = 4 << 20;

/** @throws LINK where there is none, or something else answers */
export async function machinesOfServer(
  server: URL,
  apiKey: string | undefined,
  signal: AbortSignal,
): Promise<MachineList> {
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    const base = server.href.endsWith('/') ? server : new URL(`${server.href}/`);
    const response = await fetch(new URL('kvr/machines', base), { headers, signal: limit });
    if (!response.ok) throw new Error(`it answers with status ${response.status}`);
    return machineListSchema.parse(JSON.parse(await boundedText(response)));
  } catch (error) {
    if (signal.aborted) throw new KvrError('CANCELLED', 'cancelled while asking the server');
    throw new KvrError('LINK', `${server.origin} tells no machines: ${reasonOf(error)}`, {}, error);
  }
}

async function boundedText({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('its answer is too long for a list of machines');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** fetch says 'fetch failed', and why in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? firstLine(cause.message) : String(cause);
}
