import { expect, test } from 'vitest';
import { checkFlags } from './plan-checks.js';
import type { PlanFlags } from './plan-flags.js';

const MODEL = { model: 'm' };

test.each<[string, Omit<PlanFlags, 'model'>]>([
  ['a length', { context: 512 }],
  ['lengths of a table', { table: [512, 1024] }],
  ['a search by runs', { context: 512, measure: true, repeats: 5 }],
  ['workers that do not run', { context: 512, workers: 8, link: 1e9, latency: 1 }],
])('%s is enough', (_name, flags) => {
  expect(() => checkFlags({ ...MODEL, ...flags })).not.toThrow();
});

test.each<[RegExp, Omit<PlanFlags, 'model'>]>([
  [/^no context is given; give --context/, {}],
  [/^--latency is for --link/, { context: 512, latency: 1 }],
  [/^--link describes workers that do not run; give their number/, { context: 512, link: 1e9 }],
  [/leave --link out$/, { table: [512], workers: 2, link: 1e9 }],
  [/leave --partition out$/, { table: [512], partition: 'e' }],
  [/^--table has its own lengths/, { table: [512], context: 512 }],
  [/^--repeats and --candidates are for --measure/, { context: 512, repeats: 3 }],
])('%s', (message, flags) => {
  expect(() => checkFlags({ ...MODEL, ...flags })).toThrow(message);
});
