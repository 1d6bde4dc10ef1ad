import { divideParts } from '../../src/graph/memory/residency.ts';
import { openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import type { WeightSet } from '../../src/models/weight-folder.ts';
import { clipMemory } from '../../src/pipeline/engine/clip-memory.ts';
import { type ClipMemory, planMemory } from '../../src/pipeline/plan/memory-plan.ts';
import { gpuPlan } from './released-clip.ts';

export const gpuSizes = [12, 16, 24, 32, 48, 80, 141] as const;
export const clipSizes = ['512x384x121', '1024x768x121', '1024x768x481'] as const;

/** Bytes that are free on a GPU of so many gigabytes: its driver keeps some. */
export function freeMemory(gigabytes: number): number {
  return gigabytes * 2 ** 30 - 0.4e9;
}

/** How a clip without pictures, at the default acceleration, goes onto GPUs of all sizes. */
export async function memoryFits(weights: WeightSet, size: string): Promise<string[]> {
  const plan = await gpuPlan(weights, size, Number.POSITIVE_INFINITY);
  const networks = { bundle: await openCheckpoint(weights.bundle), loras: [], textLoras: [] };
  const memory = (await clipMemory(plan, { opening: 0, keyframes: 0 }, networks))(plan.modelFrames);
  return gpuSizes.map((gigabytes) => describe(memory, freeMemory(gigabytes)));
}

function describe(memory: ClipMemory, available: number): string {
  const verdict = planMemory(memory, available);
  if (!verdict.fits) return `no: ${(verdict.needed / 1e9).toFixed(1)} GB`;
  const { transformer, peaks } = verdict.plan;
  const peak = `${(Math.max(...Object.values(peaks)) / 1e9).toFixed(1)} GB`;
  if (transformer === undefined) return `all, ${peak}`;
  // The first part and the last are no blocks.
  const { kept } = divideParts(memory.transformer.weights, transformer);
  return `${Math.max(0, kept - 1)} of ${memory.transformer.weights.length - 2}, ${peak}`;
}
