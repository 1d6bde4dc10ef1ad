// How clips of the 19B model go onto GPUs of all sizes: how many of the 48 blocks stay, and the most memory that is taken at a time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clipSizes, gpuSizes, memoryFits } from './checkpoint/memory-fit.ts';
import { writeReleasedModel } from './checkpoint/released-model.ts';

const folder = await mkdtemp(join(tmpdir(), 'soundstage-fit-'));
try {
  process.stdout.write(`| weights, clip | ${gpuSizes.map((gigabytes) => `${gigabytes} GB`).join(' | ')} |\n`);
  process.stdout.write(`|${'---|'.repeat(gpuSizes.length + 1)}\n`);
  for (const precision of ['bf16', 'fp8'] as const) {
    const weights = await writeReleasedModel(folder, precision);
    for (const size of clipSizes) {
      process.stdout.write(`| ${precision}, ${size} | ${(await memoryFits(weights, size)).join(' | ')} |\n`);
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
