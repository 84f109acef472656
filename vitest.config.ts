import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

/** No bound on speed: they only end a test that hangs. Waits within tests give up before, and say what for. */
const HANG_MS = 1_200_000;
const LIMITS = { testTimeout: HANG_MS, hookTimeout: HANG_MS, teardownTimeout: HANG_MS };

/**
 * They put another module in the place of one of ours, which only a process that has not loaded it yet allows; or set up what
 * each of several files wants for itself; or look at how the process's own memory grows.
 */
const IN_OWN_PROCESS = [
  'src/plan/planning-steps.test.ts',
  'src/model/hub/*.test.ts',
  'test/hostile-clients.test.ts',
];

/** Two files keep two cores busy: those that start workers, servers or a browser use more than one each. */
const PLACES = { maxWorkers: 2, sequence: { groupOrder: 0 } };

/**
 * A process for each of some hundred files, and its loading of modules, takes longer than their tests. What a module keeps for
 * itself outlives a file therefore: files clear up what they change.
 */
const SHARED_PROCESS = { isolate: false, ...PLACES, ...LIMITS };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'bench/**/*.test.ts',
            'test/reference/*.test.ts',
            'test/architecture.test.ts',
          ],
          exclude: IN_OWN_PROCESS,
          ...SHARED_PROCESS,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/*.test.ts'],
          exclude: ['test/architecture.test.ts', ...IN_OWN_PROCESS],
          ...SHARED_PROCESS,
        },
      },
      {
        test: { name: 'own process', include: IN_OWN_PROCESS, ...PLACES, ...LIMITS },
      },
    ],
  },
});
