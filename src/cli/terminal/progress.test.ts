import { expect, test } from 'vitest';
import { Progress, progressLine } from './progress.js';
import type { Output } from './shell.js';

class Recorded implements Output {
  text = '';
  readonly columns = 60;
  readonly hasColours = false;
  readonly isTerminal: boolean;
  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal;
  }
  write(text: string): void {
    this.text += text;
  }
}

test('a bar fills from left to right and fits', () => {
  expect(progressLine('compiling', 0, 40)).toBe('compiling ░░░░░░░░░░░░░░░░░░░░░░░░   0 %');
  expect(progressLine('compiling', 0.5, 40)).toBe('compiling ████████████░░░░░░░░░░░░  50 %');
  expect(progressLine('compiling', 1, 40)).toBe('compiling ████████████████████████ 100 %');
  for (let columns = 1; columns < 100; columns++) {
    expect(progressLine('hashing model.safetensors', 0.3, columns).length).toBeLessThanOrEqual(columns);
  }
});

test('on a terminal the bar is drawn at most ten times a second and removed in the end', () => {
  const output = new Recorded(true);
  let now = 0;
  const progress = new Progress(output, false, () => now);
  for (; now < 1000; now += 10) progress.update('compiling', now / 1000);
  expect(output.text.match(/compiling/g)).toHaveLength(10);
  progress.clear();
  expect(output.text.endsWith('\r\u001b[K')).toBe(true);
  const { length } = output.text;
  progress.clear();
  expect(output.text.length).toBe(length);
});

test('elsewhere a long step is told once and a short one not at all', () => {
  const output = new Recorded(false);
  let now = 0;
  const progress = new Progress(output, false, () => now);
  for (; now < 1500; now += 100) progress.update('hashing', 0);
  for (; now < 9000; now += 100) progress.update('compiling', 0);
  progress.clear();
  expect(output.text).toBe('kvr: compiling …\n');
});

test('quiet is quiet', () => {
  const output = new Recorded(true);
  const progress = new Progress(output, true, () => 0);
  progress.update('compiling', 0.5);
  progress.clear();
  expect(output.text).toBe('');
});
