/**
 * Runs that were cancelled before anyone looked at them: a caller that has left costs neither a cache nor a copy of kept rows.
 */
import type { ToCompute } from '../../threads/thread-messages.js';

/** @param onCancelled called for every run whose cancel comes behind it. @returns the other messages, in order */
export function withoutCancelled(
  messages: readonly ToCompute[],
  onCancelled: (request: number) => void,
): readonly ToCompute[] {
  const cancels = new Map<number, number>();
  for (const [index, message] of messages.entries())
    if (message.type === 'cancel') cancels.set(message.request, index);
  if (cancels.size === 0) return messages;
  return messages.filter((message, index) => {
    if (message.type !== 'run' || (cancels.get(message.job.request) ?? -1) < index) return true;
    onCancelled(message.job.request);
    return false;
  });
}
