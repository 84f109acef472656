/**
 * Figures of this page that the command line does not have. Pure; the same in every language setting.
 */
import { formatCount, formatMs } from '../cli/format.js';

export { formatBytes, formatCount, formatMs, formatShare } from '../cli/format.js';

export const NO_FIGURE = '–';

export function formatMsOrNone(ms: number | null): string {
  return ms === null ? NO_FIGURE : formatMs(ms);
}

/** '104 tokens/s', '3.2 tokens/s'. */
export function formatTokenRate(tokensPerS: number | null): string {
  if (tokensPerS === null) return NO_FIGURE;
  return `${tokensPerS < 10 ? tokensPerS.toFixed(1) : formatCount(tokensPerS)} tokens/s`;
}

/** How often as fast: '1.84×'. */
export function formatGain(gain: number): string {
  return `${gain.toFixed(gain < 9.995 ? 2 : 1)}×`;
}

/** A measured time against a predicted one: '12 % above', '3 % below', 'as predicted'. */
export function formatDifference(measuredMs: number, predictedMs: number): string {
  const percent = predictedMs > 0 ? Math.round(100 * (measuredMs / predictedMs - 1)) : 0;
  if (percent === 0) return 'as predicted';
  return `${formatCount(Math.abs(percent))} % ${percent > 0 ? 'above' : 'below'} prediction`;
}

/** Contexts as everyone names them: 512, 1k, 1.5k, 128k. */
export function formatContext(tokens: number): string {
  return tokens < 1024 ? String(tokens) : `${String(tokens / 1024)}k`;
}

/** '2.17 M', '6.74 B': parameters of a model. */
export function formatParameters(count: number): string {
  const [value, unit] = count >= 1e9 ? [count / 1e9, 'B'] : [count / 1e6, 'M'];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

/** The time of day, 24 hours: '02:07:31'. */
export function formatClock(atMs: number): string {
  const time = new Date(atMs);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((each) => String(each).padStart(2, '0'))
    .join(':');
}
