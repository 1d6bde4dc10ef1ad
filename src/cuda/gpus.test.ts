import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { driverVersion, listGpus } from './gpus.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-gpus-'));
  vi.stubEnv('PATH', folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function program(text: string): Promise<void> {
  await writeFile(join(folder, 'nvidia-smi'), `#!/bin/sh\n${text}\n`);
  await chmod(join(folder, 'nvidia-smi'), 0o755);
}

const isWindows = process.platform === 'win32';

test.skipIf(isWindows)('the driver names its cards, and what it does not know is left out', async () => {
  await program(
    `case "$*" in *--format=csv,noheader,nounits*) ;; *) exit 1 ;; esac
printf '%s\\n' '0, NVIDIA H100 80GB HBM3, GPU-1, 81559, 80992, 580.65.06, 9.0' '1, NVIDIA GB10, GPU-2, [N/A], [N/A], 580.65.06, 12.1'`,
  );
  const driver = '580.65.06';
  const h100 = { index: 0, name: 'NVIDIA H100 80GB HBM3', uuid: 'GPU-1', driver, computeCapability: '9.0' };
  expect(await listGpus(folder)).toEqual([
    { ...h100, memory: 81_559 * 2 ** 20, freeMemory: 80_992 * 2 ** 20 },
    { index: 1, name: 'NVIDIA GB10', uuid: 'GPU-2', driver, computeCapability: '12.1' },
  ]);
});

test.skipIf(isWindows)('without that program the kernel tells names and the version of the driver', async () => {
  await program('echo "NVIDIA-SMI has failed" >&2; exit 9');
  await mkdir(join(folder, 'gpus', '0000:65:00.0'), { recursive: true });
  const information = 'Model: \t\t NVIDIA GeForce RTX 4090\nIRQ:   \t\t 125\nGPU UUID: \t GPU-3\n';
  await writeFile(join(folder, 'gpus', '0000:65:00.0', 'information'), information);
  const version = 'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)';
  await writeFile(join(folder, 'version'), `${version}\nGCC version:  gcc version 13.3.0\n`);
  const card = { index: 0, name: 'NVIDIA GeForce RTX 4090', uuid: 'GPU-3', driver: '580.65.06' };
  expect(await listGpus(folder)).toEqual([card]);
});

test('a machine without the driver has none', async () => {
  expect(await listGpus(folder)).toEqual([]);
  expect(await driverVersion(folder)).toBeUndefined();
});
