import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { baselineWasm } from './test/support/databases/baseline-wasm.ts';
import { SlowestFirst } from './test/support/run/slowest-first.ts';
import { testKinds } from './test/support/run/test-kinds.ts';

// Nearly every file, and many a test, starts processes, which would compile the same modules again.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

const sharedPostgres = './test/support/databases/shared-postgres.ts';
const { light, servers } = testKinds(import.meta.dirname);

export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the cores of the smallest machine: many tests spend most of their time waiting.
    maxWorkers: 3,
    setupFiles: './test/support/run/keep-compiled.ts',
    sequence: { sequencer: SlowestFirst },
    execArgv: [...baselineWasm],
    // Tests run the modules as Node loads them, which takes half the time and shares compiled code with the processes they start.
    experimental: { viteModuleRunner: false },
    // What a test provokes on purpose is of interest only where it fails.
    silent: 'passed-only',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/support/run/totals-reporter.ts'],
    projects: [
      // These share processes, because most of their time would go into starting their own.
      { extends: true, test: { name: 'light', include: light, isolate: false } },
      { extends: true, test: { name: 'servers', include: servers, isolate: false, globalSetup: sharedPostgres } },
      // Native code is multi-threaded and may crash: one process per file keeps that local.
      {
        extends: true,
        test: {
          name: 'native',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'eval/**/*.test.ts'],
          exclude: [...light, ...servers],
          globalSetup: sharedPostgres,
        },
      },
    ],
  },
});
