import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import type { Gpu } from '../cuda/gpus.ts';
import { type DeviceMemoryOptions, deviceMemory } from './device-memory.ts';

const gpus: readonly Gpu[] = [
  { index: 0, name: 'small', uuid: 'GPU-11aa-0', memory: 12e9, freeMemory: 11e9 },
  { index: 1, name: 'large', uuid: 'GPU-22bb-0', memory: 80e9, freeMemory: 79e9 },
  { index: 2, name: 'one that tells nothing' },
];

test.for<[string, DeviceMemoryOptions, number | undefined]>([
  ['the first', {}, 11e9],
  ['one by its number', { gpu: '1' }, 79e9],
  ['one by its UUID', { gpu: 'GPU-22bb-0' }, 79e9],
  ['one by the beginning of its UUID', { environment: { CUDA_VISIBLE_DEVICES: 'GPU-22,0' } }, 79e9],
  ['the first that is visible', { environment: { CUDA_VISIBLE_DEVICES: '1,0' } }, 79e9],
  ['one that tells nothing', { gpu: '2' }, undefined],
  ['one that is not there', { gpu: '7' }, undefined],
  ['as much as is allowed', { gpuMemory: 10, gpu: '1' }, 10 * 2 ** 30],
])('of GPUs: %s', async ([, options, expected]) => {
  expect(await deviceMemory('cuda', { environment: {}, list: async () => gpus, ...options })).toBe(expected);
});

test('the CPU has that of the machine at most', async () => {
  const memory = await deviceMemory('cpu', { gpuMemory: 1 });
  expect(memory).toBeGreaterThan(1e9);
  expect(memory).toBeLessThanOrEqual(totalmem());
});
