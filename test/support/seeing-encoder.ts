import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensorsHeader } from '../../src/graph/weights/safetensors.ts';
import { gemmaPath } from './parity-checkpoint.ts';

/** A tiny Gemma of random weights with a vision tower and a chat template, which no bundle belongs to. */
export const seeingGemmaPath = join(import.meta.dirname, '../fixtures/vision/checkpoint/gemma');

const [textFile, visionFile] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

/** Writes the text encoder of the parity checkpoint with that vision tower and chat template. */
export async function writeSeeingEncoder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = [
    'tokenizer.json',
    'tokenizer_config.json',
    'chat_template.jinja',
    'preprocessor_config.json',
    visionFile,
  ];
  for (const file of files) await copyFile(join(seeingGemmaPath, file), join(folder, file));
  await copyFile(join(gemmaPath, 'model.safetensors'), join(folder, textFile));
  const map: Record<string, string> = {};
  for (const file of [textFile, visionFile]) {
    for (const name of (await readSafetensorsHeader(join(folder, file))).tensors.keys()) map[name] = file;
  }
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  const { vision_config, mm_tokens_per_image } = await settings(seeingGemmaPath);
  const config = { ...(await settings(gemmaPath)), vision_config, mm_tokens_per_image };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
}

async function settings(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
}
