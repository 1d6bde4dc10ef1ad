import { copyFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { gemmaPath } from '../../test/support/parity-checkpoint.ts';
import {
  type BundlePrecision,
  writeReleasedBundle,
  writeReleasedTextEncoder,
  writeReleasedUpscaler,
} from './released-files.ts';

/**
 * All files that a clip of the released model takes, with holes for weights, in a folder; only what latents are divided by is not
 * zero. The tokenizer is a small one: the real
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
  await writeOnes(bundle, /per_channel_statistics\.std-of-means$/);
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    await copyFile(join(gemmaPath, name), join(textEncoder, name));
  }
  return { id: `released ${precision}`, bundle, upscaler, textEncoder, cameraLoras: {} };
}

async function writeOnes(file: string, names: RegExp): Promise<void> {
  const { tensors } = await openCheckpoint(file);
  await using handle = await open(file, 'r+');
  for (const { name, dtype, offset, length } of tensors.values()) {
    if (!names.test(name)) continue;
    if (dtype !== 'bfloat16') throw new Error(`"${name}" is ${dtype}`);
    await handle.write(new Uint8Array(new Uint16Array(length / 2).fill(0x3f80).buffer), 0, length, offset);
  }
}
