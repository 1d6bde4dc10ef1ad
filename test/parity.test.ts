import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CaseDescription, openParityFolder, type ParityFolder } from '../src/cli/parity/parity-case.ts';
import { runCase } from '../src/cli/parity/run-cases.ts';
import { type GraphTarget, graphTargets } from '../src/graph/graph-target.ts';

const folders = {
  'the reference implementation': await openParityFolder(join(import.meta.dirname, 'fixtures/parity')),
  transformers: await openParityFolder(join(import.meta.dirname, 'fixtures/vision')),
};
/** Half precision without its device: the CPU computes the same graphs between casts. */
const halfPrecision: GraphTarget = { ...graphTargets.webgpu, executionProvider: 'cpu' };

async function check(folder: ParityFolder, description: CaseDescription, target: GraphTarget): Promise<void> {
  const { passed, comparisons, error } = await runCase(folder, description, target);
  if (error !== undefined) throw error;
  expect(comparisons.filter((comparison) => !comparison.passed)).toEqual([]);
  expect(passed).toBe(true);
}

describe.for(Object.entries(folders))('recorded outputs of %s', ([, folder]) => {
  test.for(folder.cases)('$name', (description) => check(folder, description, graphTargets.cpu));

  // Whole pipelines are made of the networks that the other cases are about.
  const single = folder.cases.filter(({ module }) => !/^(pipeline_|video_vae_decode)/.test(module));
  test.for(single)('$name in half precision', (description) => check(folder, description, halfPrecision));
});

test('what no network computes is held to the recorded tolerance on every device', async () => {
  const { cases, ...folder } = folders['the reference implementation'];
  const positions = cases.find(({ module }) => module === 'video_positions');
  const modulation = cases.find(({ name, module }) => module === 'timestep_embedding' && name.includes('adaln'));
  if (positions === undefined || modulation === undefined) throw new Error('the cases are not there');
  const strict = { max_abs: -1, rel_l2: -1 };
  const run = (description: CaseDescription, target: GraphTarget) =>
    runCase({ ...folder, cases }, { ...description, tolerance: strict }, target);
  expect((await run(positions, halfPrecision)).passed).toBe(false);
  expect((await run(modulation, halfPrecision)).passed).toBe(true);
  expect((await run(modulation, graphTargets.cpu)).passed).toBe(false);
});
