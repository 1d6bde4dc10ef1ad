import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bundlePath, loraPath } from '../../../test/support/parity-checkpoint.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { writeSafetensors } from '../../graph/weights/safetensors-writer.ts';
import { adaptableModules } from '../adaptable-modules.ts';
import { readLora, requireUsable } from './lora.ts';

const modules = adaptableModules(await openCheckpoint(bundlePath));

async function temporaryFile(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-lora-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, name);
}

test('foreign keys are named, five at most', async () => {
  const lora = await readLora(loraPath('bad'), modules);
  expect(() => requireUsable(lora)).toThrow(
    /transformer_blocks\.1\.attn2\.to_k, not_a_module, .*transformer_blocks\.99\.attn1\.to_q$/,
  );
});

test('a LoRA for another model names five of its keys and counts the rest', async () => {
  const path = await temporaryFile('foreign.safetensors');
  const tensors = Array.from({ length: 7 }, (_, i) =>
    ['A', 'B'].map((side) => ({
      name: `diffusion_model.double_blocks.${i}.img_attn.qkv.lora_${side}.weight`,
      dtype: 'float32' as const,
      shape: [2, 2],
      bytes: () => new Uint8Array(16),
    })),
  ).flat();
  await writeSafetensors(path, tensors);
  const lora = await readLora(path, modules);
  expect(() => requireUsable(lora)).toThrow(/double_blocks\.4\.img_attn\.qkv and 2 more$/);
});

test('a file without LoRA weights is refused', async () => {
  const path = await temporaryFile('empty.safetensors');
  await writeSafetensors(path, []);
  const lora = await readLora(path, modules);
  expect(() => requireUsable(lora)).toThrow('it holds no LoRA weights');
});

test('a pickle is refused by its content, whatever its name', async () => {
  const path = await temporaryFile('lora.safetensors');
  await writeFile(path, Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(100, 1)]));
  await expect(readLora(path, modules)).rejects.toThrow('pickle');
});
