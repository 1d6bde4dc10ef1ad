import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { baselineWasm } from './test/support/databases/baseline-wasm.ts';
import { lightTests } from './test/support/light-tests.ts';

// Nearly every file, and many a test, starts processes, which would compile the same modules again.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

// They share processes, because most of their time would go into starting their own.
const light = lightTests(import.meta.dirname);

export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the cores of the smallest machine: many tests spend most of their time waiting.
    maxWorkers: 3,
    execArgv: [...baselineWasm],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/support/totals-reporter.ts'],
    projects: [
      { extends: true, test: { name: 'light', include: light, isolate: false } },
      // Native code is multi-threaded and may crash: one process per file keeps that local.
      {
        extends: true,
        test: {
          name: 'native',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'eval/**/*.test.ts'],
          exclude: light,
        },
      },
    ],
  },
});
