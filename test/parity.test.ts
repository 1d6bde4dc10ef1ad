import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openParityFolder } from '../src/cli/parity/parity-case.ts';
import { runCase } from '../src/cli/parity/run-cases.ts';

const folders = {
  'the reference implementation': await openParityFolder(join(import.meta.dirname, 'fixtures/parity')),
  transformers: await openParityFolder(join(import.meta.dirname, 'fixtures/vision')),
};

describe.for(Object.entries(folders))('recorded outputs of %s', ([, folder]) => {
  test.for(folder.cases)('$name', async (description) => {
    const { passed, comparisons, error } = await runCase(folder, description);
    if (error !== undefined) throw error;
    expect(comparisons.filter((comparison) => !comparison.passed)).toEqual([]);
    expect(passed).toBe(true);
  });
});
