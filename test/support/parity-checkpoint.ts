import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightSet } from '../../src/models/weight-folder.ts';

/** The parity checkpoint: tiny, random weights, in the official layout. */
export const checkpointFolder = join(import.meta.dirname, '../fixtures/parity/checkpoint');
export const bundlePath = join(checkpointFolder, 'ltx-2-tiny.safetensors');
export const fp8BundlePath = join(checkpointFolder, 'ltx-2-tiny-fp8.safetensors');
export const upscalerPath = join(checkpointFolder, 'ltx-2-tiny-spatial-upscaler-x2.safetensors');
export const gemmaPath = join(checkpointFolder, 'gemma');
export const loraPath = (name: string): string => join(checkpointFolder, `lora-${name}.safetensors`);

export const tinyWeights: WeightSet = {
  id: 'tiny',
  bundle: bundlePath,
  upscaler: upscalerPath,
  textEncoder: gemmaPath,
  cameraLoras: {},
};

/** Copies what makes up one complete set of weights: without the fp8 form and the LoRAs. */
export async function copyCheckpoint(folder: string): Promise<void> {
  await cp(checkpointFolder, folder, { recursive: true, filter: (path) => !/fp8|lora/.test(path) });
}
