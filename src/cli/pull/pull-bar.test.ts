import { expect, test } from 'vitest';
import { Progress } from '../terminal/progress.js';
import { fetchWords, PullBar, SpeedMeter } from './pull-bar.js';

test('a speed is that of the last seconds', () => {
  const meter = new SpeedMeter();
  for (let s = 0; s <= 20; s++) meter.add({ ms: 1000 * s, bytes: s < 10 ? 0 : (s - 10) * 5e6 });
  expect(meter.bytesPerS).toBe(5e6);
});

test('without a speed only the bytes are told', () => {
  expect(new SpeedMeter().bytesPerS).toBe(0);
  expect(fetchWords(1e9, 4e9, 0)).toBe('1.00 GB of 4.00 GB');
  expect(fetchWords(1e9, 4e9, 30e6)).toBe('1.00 GB of 4.00 GB at 30.0 MB/s, 1:40 left');
  expect(fetchWords(0, 4e12, 1e8)).toContain('11:06:40 left');
});

test('bytes that turned out wrong make no negative speed', () => {
  const meter = new SpeedMeter();
  meter.add({ ms: 0, bytes: 100 });
  meter.add({ ms: 1000, bytes: 0 });
  expect(meter.bytesPerS).toBe(0);
});

test('a terminal sees one line with a bar, bytes and speed', () => {
  let drawn = '';
  const output = {
    write: (text: string) => (drawn = text),
    isTerminal: true,
    columns: 100,
    hasColours: false,
  };
  let now = 0;
  const bar = new PullBar(new Progress(output, false, () => now), () => now);
  bar.update({ step: 'fetching', doneBytes: 0, totalBytes: 2e9 });
  now = 1000;
  bar.update({ step: 'fetching', doneBytes: 1e8, totalBytes: 2e9 });
  expect(drawn).toMatch(/fetching █+░+ +5 %  100 MB of 2.00 GB at 100 MB\/s, 0:19 left$/);
});
