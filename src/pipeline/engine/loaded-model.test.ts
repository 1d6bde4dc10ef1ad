import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writePickle } from '../../../test/support/media/hostile-files.ts';
import { bundlePath, gemmaPath, loraPath, upscalerPath } from '../../../test/support/parity-checkpoint.ts';
import { LoadedModel } from './loaded-model.ts';

const weights = { bundle: bundlePath, upscaler: upscalerPath, textEncoder: gemmaPath };

test('a LoRA the request brought along is blamed at its field, whatever is wrong with the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-lora-'));
  const pickle = join(folder, 'pickle.safetensors');
  await writePickle(pickle);
  await using model = await LoadedModel.open({ weights, device: 'cpu' });
  const use = (path: string, field?: string) => model.useLoras([{ path, scale: 1, field }]);
  const foreign = { kind: 'input', field: 'loras.2.path', message: expect.stringContaining('not_a_module') };
  await expect(use(loraPath('bad'), 'loras.2.path')).rejects.toMatchObject(foreign);
  const damaged = { kind: 'input', field: 'loras.0.path', message: expect.stringContaining('pickle') };
  await expect(use(pickle, 'loras.0.path')).rejects.toMatchObject(damaged);
  await expect(use(pickle)).rejects.toMatchObject({ kind: 'weights' });
  await expect(use(loraPath('bad'))).rejects.toMatchObject({ kind: 'weights', field: undefined });
  await rm(folder, { recursive: true });
});
