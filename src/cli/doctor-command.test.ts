import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { doctorCommand } from './doctor-command.ts';

const isWindows = process.platform === 'win32';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-doctor-'));
  vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test.skipIf(isWindows)('it names every GPU with what is known of it, and what each device is able to do', async () => {
  const cards = [
    '0, NVIDIA H100 80GB HBM3, GPU-1, 81559, 80992, 580.65.06, 9.0',
    '1, NVIDIA B200, GPU-2, 183359, 182642, 580.65.06, 10.0',
    '2, NVIDIA GeForce RTX 4070, GPU-3, 12282, 11800, 580.65.06, 8.9',
  ];
  await writeFile(
    join(folder, 'nvidia-smi'),
    `#!/bin/sh\nprintf '%s\\n' ${cards.map((card) => `'${card}'`).join(' ')}\n`,
  );
  await chmod(join(folder, 'nvidia-smi'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  const texts: string[] = [];
  await doctorCommand({ write: (text) => texts.push(text) }).parseAsync([], { from: 'user' });
  const lines = texts.join('').split('\n');
  const both = 'holds ltx-2-19b-distilled and ltx-2-19b-distilled-fp8';
  expect(lines).toEqual(
    expect.arrayContaining([
      `gpu 0     NVIDIA H100 80GB HBM3, 84.9 GB free of 85.5 GB, driver 580.65.06, compute capability 9.0, ${both}`,
      `gpu 1     NVIDIA B200, 192 GB free of 192 GB, driver 580.65.06, compute capability 10.0 (which there is no code for), ${both}`,
      'gpu 2     NVIDIA GeForce RTX 4070, 12.4 GB free of 12.9 GB, driver 580.65.06, compute capability 8.9, the weights of ltx-2-19b-distilled and ltx-2-19b-distilled-fp8 come and go',
      'cpu       works',
    ]),
  );
  expect(lines.find((line) => line.startsWith('cuda'))).toMatch(/^cuda {6}not usable: /);
});

test('JSON for programs: devices, weights, versions', async () => {
  const texts: string[] = [];
  await doctorCommand({ write: (text) => texts.push(text) }).parseAsync(['--json'], { from: 'user' });
  expect(JSON.parse(texts.join(''))).toMatchObject({
    node: process.version,
    devices: expect.arrayContaining([{ device: 'cpu', usable: true }]),
    weights: expect.arrayContaining([expect.objectContaining({ id: 'nano', state: 'present' })]),
  });
});
