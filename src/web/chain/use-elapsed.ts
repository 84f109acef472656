/**
 * How long something has been running, for as long as it runs: drawn anew each frame, or a few times a second for readers
 * who prefer less motion.
 */
import { useEffect, useState } from 'preact/hooks';
import { prefersLessMotion } from '../state/theme.js';

const CALM_MS = 500;

/** @param startMs by performance.now(); undefined while nothing runs */
export function useElapsed(startMs: number | undefined): number | null {
  const [nowMs, setNowMs] = useState(0);
  useEffect(() => {
    if (startMs === undefined) return undefined;
    if (prefersLessMotion()) {
      const timer = setInterval(() => setNowMs(performance.now()), CALM_MS);
      return () => clearInterval(timer);
    }
    let frame = requestAnimationFrame(function tick(ms) {
      setNowMs(ms);
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [startMs]);
  return startMs === undefined ? null : Math.max(0, nowMs - startMs);
}
