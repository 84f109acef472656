import { defineConfig } from 'vitest/config';

/** No bound on speed: they only end a test that hangs. Waits within tests give up before, and say what for. */
const HANG_MS = 1_200_000;
const LIMITS = { testTimeout: HANG_MS, hookTimeout: HANG_MS, teardownTimeout: HANG_MS };

/**
 * They put another module in the place of one of ours, which only a process that has not loaded it yet allows; or set up what
 * each of several files wants for itself.
 */
const IN_OWN_PROCESS = ['src/plan/planning-steps.test.ts', 'src/model/hub/*.test.ts'];

export default defineConfig({
  test: {
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
          maxWorkers: 2,
          // A process for each of some hundred files, and its loading of libraries, takes longer than their tests. Modules of
          // ours are evaluated anew for each file all the same.
          isolate: false,
          sequence: { groupOrder: 0 },
          ...LIMITS,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/*.test.ts', ...IN_OWN_PROCESS],
          exclude: ['test/architecture.test.ts'],
          // Each file starts workers, servers or a browser of its own: two files keep two cores busy, more would only wait.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...LIMITS,
        },
      },
    ],
  },
});
