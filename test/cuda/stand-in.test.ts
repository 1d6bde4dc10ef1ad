import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { type StandInGpu, standInCuda } from './stand-in.ts';
import { readStandInLog } from './stand-in-log.ts';

const cuda = await standInCuda();
const folder = await mkdtemp(join(tmpdir(), 'soundstage-stand-in-'));
afterAll(() => rm(folder, { recursive: true }));

const program = join(import.meta.dirname, 'matrix-product-process.ts');

/** How it went, each time. */
async function multiply(gpu: StandInGpu, times = 1): Promise<string[]> {
  const env = { ...process.env, ...cuda?.environment(gpu) };
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(times)], { env });
  return stdout.trim().split('\n');
}

test.skipIf(cuda === undefined)('the runtime multiplies on a stand-in GPU, which says what it was asked', async () => {
  const log = join(folder, 'log');
  expect(await multiply({ log })).toEqual(['32,16']);
  const report = await readStandInLog(log);
  expect(report.products).toEqual([{ m: 16, n: 32, k: 64, batch: 1 }]);
  expect(report.toHost).toEqual({ count: 1, bytes: 4 * 32 * 16 });
  expect(report.toDevice.bytes).toBeGreaterThanOrEqual(4 * 32 * 64);
  expect(report.peakBytes[0]).toBeGreaterThan(0);
  expect(report.usedBytes).toEqual([0]);
  expect([...report.launches.keys()]).toContain('onnxruntime::cuda::_UnaryElementWise');
  expect((await readStandInLog(log, report.lines)).products).toEqual([]);
});

test.skipIf(cuda === undefined)(
  'a driver that is too old, no GPU, and one that is too small are what they are',
  async () => {
    const [[old], [none], [small]] = await Promise.all([
      multiply({ driver: 12080 }),
      multiply({ devices: 0 }),
      multiply({ memory: 1e-6 }),
    ]);
    expect(old).toContain('CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version');
    expect(none).toContain('CUDA failure 100: no CUDA-capable device is detected');
    expect(small).toContain('the GPU is out of memory');
  },
);

test.skipIf(cuda === undefined)('a fault comes after so many calls', async () => {
  const faults = join(folder, 'faults');
  await writeFile(faults, 'cudaMalloc 2 9');
  const log = join(folder, 'faults-log');
  const results = await multiply({ faults, log }, 20);
  expect(results[0]).toBe('32,16');
  expect(results.at(-1)).toContain('the GPU is out of memory');
  expect((await readStandInLog(log)).allocations).toBe(9);
});
