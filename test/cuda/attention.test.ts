import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { cudnnAttentionVariable } from '../../src/graph/graph-target.ts';
import { standInCuda } from './stand-in.ts';
import { readStandInLog } from './stand-in-log.ts';

const cuda = await standInCuda();
const folder = await mkdtemp(join(tmpdir(), 'soundstage-attention-'));
afterAll(() => rm(folder, { recursive: true }));

const program = fileURLToPath(new URL('./attention-process.ts', import.meta.url));

/** Neither is the slow one, which materializes nothing but is no flash attention either. */
test.skipIf(cuda === undefined).for([
  { capability: 80, cudnn: false },
  { capability: 90, cudnn: false },
  { capability: 90, cudnn: true },
  { capability: 120, cudnn: true },
])('attention at $capability, with cuDNN $cudnn, is cuDNN’s or flash attention', async ({ capability, cudnn }) => {
  const log = join(folder, `${capability}-${cudnn}`);
  const env = {
    ...process.env,
    ...cuda?.environment({ capability, log }),
    ...(cudnn ? {} : { [cudnnAttentionVariable]: '0' }),
  };
  await promisify(execFile)(process.execPath, [program], { env });
  const { launches, cudnn: computed } = await readStandInLog(log);
  const kernels = [...launches.keys()].filter((name) => /flash|attention/.test(name));
  expect(computed.get('attention')).toBe(cudnn ? 1 : undefined);
  if (cudnn) expect(kernels).toEqual([]);
  else expect(kernels[0]).toMatch(/flash::flash_fwd/);
});
