import { expect, test } from 'vitest';
import { checkBenchFlags } from './bench-checks.js';
import { repeatCommand } from './bench-command.js';
import { parseCluster, parseStrategies, parseWorkers } from './bench-values.js';

test('strategies come in the order of the table, each once', () => {
  expect(parseStrategies('kvr,single,kvr')).toEqual(['single', 'kvr']);
  expect(() => parseStrategies('kvr,fast')).toThrow(/^--strategies fast is unknown; give some of single,/);
});

test('workers are numbers, or addresses where there is a colon', () => {
  expect(parseWorkers('1,2')).toEqual([1, 2]);
  expect(parseWorkers('a:1,b:2')).toEqual(['a:1', 'b:2']);
  expect(() => parseWorkers('0')).toThrow(/^--workers 0 is out of range; give a whole number from 1/);
});

test('an emulated cluster has workers, a link and its latency', () => {
  expect(parseCluster('latency=50us,workers=8,link=10Gbit')).toMatchObject({
    workers: 8,
    link: { bytesPerS: 1.25e9, latencyMs: 0.05 },
  });
});

test.each([
  ['workers=8,link=10Gbit', /lacks latency; give workers=N/],
  ['workers=8,workers=9', /gives workers twice; give it once/],
  ['speed=8', /speed=8 is not understood; give workers=N/],
  ['workers=0,link=10Gbit,latency=1ms', /workers 0 is out of range/],
])('the cluster %s is refused', (text, message) => {
  expect(() => parseCluster(text)).toThrow(message);
});

test('flags that contradict each other are refused', async () => {
  const emulate = [parseCluster('workers=8,link=10Gbit,latency=50us')];
  await expect(checkBenchFlags({ model: 'm', emulate, workers: [2] })).rejects.toThrow(/leave --workers out/);
  await expect(checkBenchFlags({ model: 'm', report: '' })).rejects.toThrow(/--report is empty/);
  await expect(checkBenchFlags({ model: 'm', report: '/' })).rejects.toThrow(/^--report \/ is a folder/);
});

test('a bench is repeated by one command line with every default in it', () => {
  const words = repeatCommand({ model: './my model', workers: [1, 2], dtype: 'q8', report: 'x.html' });
  expect(words).toMatch(
    /^kvr bench --model '\.\/my model' --strategies single,\S+ --context 512 --workers 1,2 --dtype q8/,
  );
  expect(words).toMatch(/--repeats 3 --seed 0$/);
});
