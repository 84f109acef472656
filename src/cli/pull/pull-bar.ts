/**
 * Bytes, speed and the time that is left of a download, in the one line of a progress bar.
 */
import type { PullProgress } from '../../model/hub/index.js';
import { formatBytes } from '../terminal/format.js';
import type { Progress } from '../terminal/progress.js';

/** Long enough that the numbers stand still, short enough that they follow the network. */
const WINDOW_MS = 5_000;
/** Samples closer together than this tell nothing new. */
const SAMPLE_MS = 200;

type Sample = { readonly ms: number; readonly bytes: number };

/** Bytes a second over the last few seconds. */
export class SpeedMeter {
  readonly #samples: Sample[] = [];

  add(sample: Sample): void {
    const last = this.#samples.at(-1);
    if (last && sample.ms - last.ms < SAMPLE_MS) return;
    this.#samples.push(sample);
    while ((this.#samples[1]?.ms ?? Infinity) <= sample.ms - WINDOW_MS) this.#samples.shift();
  }

  /** 0 until something is known. */
  get bytesPerS(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.ms === first.ms) return 0;
    return Math.max(0, (1000 * (last.bytes - first.bytes)) / (last.ms - first.ms));
  }
}

export class PullBar {
  readonly #progress: Progress;
  readonly #now: () => number;
  readonly #meter = new SpeedMeter();

  constructor(progress: Progress, now: () => number = () => performance.now()) {
    this.#progress = progress;
    this.#now = now;
  }

  update({ step, doneBytes, totalBytes }: PullProgress): void {
    const fraction = totalBytes === 0 ? 1 : doneBytes / totalBytes;
    if (step === 'checking') return this.#progress.update('checking what is here', fraction);
    this.#meter.add({ ms: this.#now(), bytes: doneBytes });
    this.#progress.update('fetching', fraction, fetchWords(doneBytes, totalBytes, this.#meter.bytesPerS));
  }
}

/** '1.20 GB of 4.40 GB at 31.0 MB/s, 1:43 left' */
export function fetchWords(doneBytes: number, totalBytes: number, bytesPerS: number): string {
  const words = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  if (bytesPerS < 1) return words;
  return `${words} at ${formatBytes(Math.round(bytesPerS))}/s, ${minutes((totalBytes - doneBytes) / bytesPerS)} left`;
}

function minutes(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
