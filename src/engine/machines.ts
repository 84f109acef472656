/**
 * The machines of an engine as people look at them: what each is, what it can do by what was measured, and what went wrong with it.
 */
import type { ClusterMember, ClusterWorker } from '../cluster/cluster.js';
import type { MachineRecord } from '../core/documents/machine-list.js';
import type { ModelShape } from '../core/shape.js';
import { formatAddress } from '../link/address.js';
import { chainCosts, predictTtftMs } from '../plan/index.js';
import type { CostSource } from './partition/cost-source.js';

/** A prompt that any worker reads in one or two kernel calls. */
const PROMPT_TOKENS = 512;

type Watched = {
  readonly members: readonly ClusterMember[];
  readonly workers: readonly ClusterWorker[];
  readonly costs: CostSource | undefined;
  readonly model: { readonly shape: ModelShape };
};

/** In chain order. */
export function machinesOf({ members, workers, costs, model }: Watched): MachineRecord[] {
  const ids = workers.map(({ handle }) => handle.id);
  return members.map((member) => ({
    name: member.id,
    status: member.status,
    ...(member.reason && { reason: member.reason.message }),
    ...ownFacts(member),
    ...speedOf(member.id, costs, model.shape),
    ...linkOf(member.id, ids, costs),
    ...(member.lastFault && {
      lastFault: { atMs: member.lastFault.atMs, message: member.lastFault.reason.message },
    }),
  }));
}

function ownFacts({ ready, address }: ClusterMember): Partial<MachineRecord> {
  const at = address?.kind === 'tcp' ? { address: formatAddress(address) } : {};
  if (!ready) return at;
  const { digest, dtype, threads, kvBytesLimit: kvBytes, machine } = ready;
  return { ...at, digest, dtype, threads, kvBytes, ...machine };
}

function speedOf(id: string, costs: CostSource | undefined, shape: ModelShape): Partial<MachineRecord> {
  const known = costs?.costs;
  if (!known?.ids.includes(id)) return {};
  const contextTokens = Math.min(PROMPT_TOKENS, shape.contextTokens);
  const alone = chainCosts({ contextTokens, shape, ...known.chain([id]) });
  return {
    tokensPerSecond: (1000 * contextTokens) / predictTtftMs(alone, [{ start: 0, end: contextTokens }]),
  };
}

function linkOf(
  id: string,
  usable: readonly string[],
  costs: CostSource | undefined,
): Partial<MachineRecord> {
  const place = usable.indexOf(id);
  const name = place < 0 ? undefined : usable[place + 1];
  const link = name === undefined ? undefined : costs?.measuredLink(id, name);
  if (name === undefined || !link) return {};
  const { latencyMs, bytesPerS } = link;
  return { toNext: { name, latencyMs, bytesPerS } };
}
