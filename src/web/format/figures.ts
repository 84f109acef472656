/**
 * Figures of this page that the command line does not have. Pure; the same in every language setting.
 */
import { formatBytes, formatCount, formatMs as formatSomeMs } from '../../cli/terminal/format.js';

export { formatBytes, formatCount, formatShare } from '../../cli/terminal/format.js';

export const NO_FIGURE = '–';

/** Three digits at most, with the unit; nothing at all is '0 ms'. */
export function formatMs(ms: number): string {
  return ms === 0 ? '0 ms' : formatSomeMs(ms);
}

/** A round time on an axis: '0', '200 ms', '1.5 s', '20 s'. */
export function formatTick(ms: number): string {
  if (ms === 0) return '0';
  const [value, unit] = ms < 1000 ? [ms, 'ms'] : [ms / 1000, 's'];
  return `${Number(value.toPrecision(6))} ${unit}`;
}

export function formatMsOrNone(ms: number | null): string {
  return ms === null ? NO_FIGURE : formatMs(ms);
}

/** '104 tokens/s', '3.2 tokens/s'. */
export function formatTokenRate(tokensPerS: number | null): string {
  if (tokensPerS === null) return NO_FIGURE;
  return `${tokensPerS < 10 ? tokensPerS.toFixed(1) : formatCount(tokensPerS)} tokens/s`;
}

/** '312 MB/s'. */
export function formatRate(bytesPerMs: number): string {
  return `${formatBytes(Math.round(1000 * bytesPerMs))}/s`;
}

/** How often as fast: '1.84×'. */
export function formatGain(gain: number): string {
  return `${gain.toFixed(gain < 9.995 ? 2 : 1)}×`;
}

/** A measured time against a predicted one: '12 % above it', '3 % below it', '6.4 times it', 'as predicted'. */
export function formatDifference(measuredMs: number, predictedMs: number): string {
  const percent = predictedMs > 0 ? Math.round(100 * (measuredMs / predictedMs - 1)) : 0;
  if (percent === 0) return 'as predicted';
  if (percent > 100) return `${(measuredMs / predictedMs).toFixed(1)} times the prediction`;
  return `${Math.abs(percent)} % ${percent > 0 ? 'above' : 'below'} prediction`;
}

/** How a measured chain compares with one worker: '1.84× as fast', or slower where it is not faster. */
export function formatSpeedup(singleMs: number, chainMs: number): string {
  const ratio = singleMs / chainMs;
  return ratio >= 1 ? `chain ${formatGain(ratio)} as fast` : `chain ${formatGain(1 / ratio)} slower`;
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
