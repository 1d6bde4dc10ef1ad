import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { freeMemory, memoryFits } from '../../bench/checkpoint/memory-fit.ts';
import { gpuPlan } from '../../bench/checkpoint/released-clip.ts';
import { writeReleasedModel } from '../../bench/checkpoint/released-model.ts';
import { cudnnAttentionVariable } from '../../src/graph/graph-target.ts';
import { openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { clipMemory, planClipMemory } from '../../src/pipeline/engine/clip-memory.ts';
import { leastBytes, wholeBytes } from '../../src/pipeline/plan/gpu-fit.ts';
import { planMemory, reservedMemory } from '../../src/pipeline/plan/memory-plan.ts';
import { standInCuda } from './stand-in.ts';

const cuda = await standInCuda();
const folder = await mkdtemp(join(tmpdir(), 'soundstage-fit-'));
afterAll(() => rm(folder, { recursive: true }));
const [bf16, fp8] = [await writeReleasedModel(folder, 'bf16'), await writeReleasedModel(folder, 'fp8')];
const noImages = { opening: 0, keyframes: 0 };
const size = '1024x768x121';
const program = fileURLToPath(new URL('./memory-process.ts', import.meta.url));

test('the table of the documentation is what the plan says', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docs/gpu.md'), 'utf8');
  for (const [precision, weights] of [
    ['bf16', bf16],
    ['fp8', fp8],
  ] as const) {
    expect(text).toContain(`| ${precision}, ${size} | ${(await memoryFits(weights, size)).join(' | ')} |`);
  }
});

test.for([
  ['ltx-2-19b-distilled', bf16],
  ['ltx-2-19b-distilled-fp8', fp8],
] as const)(
  'from so much memory on, all of %s stays, and from so much on a clip can be made',
  async ([id, weights]) => {
    const plan = await gpuPlan(weights, size, 1);
    const networks = { bundle: await openCheckpoint(weights.bundle), loras: [], textLoras: [] };
    const memory = (await clipMemory(plan, noImages, networks))(plan.modelFrames);
    const stays = (available: number): boolean => {
      const verdict = planMemory(memory, available);
      return verdict.fits && verdict.plan.transformer === undefined;
    };
    expect([stays(wholeBytes[id]), stays(wholeBytes[id] - 1e8)]).toEqual([true, false]);
    expect([leastBytes, leastBytes - 1e8].map((available) => planMemory(memory, available).fits)).toEqual([
      true,
      false,
    ]);
    // Before anything is made, with what would do.
    const tooSmall = planClipMemory({ ...plan, deviceMemory: 4.5e9 }, noImages, networks);
    await expect(tooSmall).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(
        /^121 frames of 1024x768 take 7\.\d GB of GPU memory, of which 4\.5 GB can be had: /,
      ),
    });
  },
);

/** With as much memory as the plan has, less what is kept for CUDA itself: what takes more fails. */
test.skipIf(cuda === undefined)(
  'a GPU of 12 GB makes a clip of 512×384 and 121 frames in the memory that was planned',
  async () => {
    const log = join(folder, 'log');
    const memory = freeMemory(12);
    const gpu = { capability: 89, memory: (memory - reservedMemory) / 2 ** 30, largestCopy: 1e6, log };
    const env = { ...process.env, ...cuda?.environment(gpu), [cudnnAttentionVariable]: '0' };
    const parameters = [program, folder, 'fp8', '512x384x121', String(memory), 'high'];
    const { stdout } = await promisify(execFile)(process.execPath, parameters, { env });
    const phases = stdout
      .trim()
      .split('\n')
      .map((line): { phase: string; planned: number; taken: number } => JSON.parse(line));
    expect(phases.map(({ phase }) => phase)).toEqual(['denoise', 'audio', 'upscale', 'decode', 'text']);
    for (const { phase, planned, taken } of phases) expect(Math.abs(taken / planned - 1), phase).toBeLessThan(0.1);
  },
  180_000,
);
