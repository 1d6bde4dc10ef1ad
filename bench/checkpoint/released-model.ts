import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gemmaPath } from '../../test/support/parity-checkpoint.ts';
import {
  type BundlePrecision,
  writeReleasedBundle,
  writeReleasedTextEncoder,
  writeReleasedUpscaler,
} from './released-files.ts';

/**
 * All files that a clip of the released model takes, with holes for weights, in a folder. The tokenizer is a small one: the real
 * one is not ours to pass on.
 */
export async function writeReleasedModel(folder: string, precision: BundlePrecision) {
  const textEncoder = join(folder, 'gemma');
  await mkdir(textEncoder, { recursive: true });
  const [bundle, upscaler] = await Promise.all([
    writeReleasedBundle(folder, precision),
    writeReleasedUpscaler(folder),
    writeReleasedTextEncoder(textEncoder),
  ]);
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    await copyFile(join(gemmaPath, name), join(textEncoder, name));
  }
  return { id: `released ${precision}`, bundle, upscaler, textEncoder, cameraLoras: {} };
}
