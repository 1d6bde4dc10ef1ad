import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { transformerPath } from '../../src/ltx2/transformer/modules.ts';
import { transformerShapes } from './checkpoint-shapes.ts';
import { writeRandom } from './random-checkpoint.ts';
import { releasedSizes } from './released-files.ts';

/** Writes so many blocks of LTX-2 19B's transformer with random weights under `folder` unless they are there; returns the file. */
export async function fullWidthBlocks(folder: string, layers: number): Promise<string> {
  const path = join(folder, `full-width-${layers}.safetensors`);
  if (await stat(path).catch(() => undefined)) return path;
  await mkdir(folder, { recursive: true });
  const released = join(import.meta.dirname, '../../test/fixtures/released/ltx-2-19b-config.json');
  const config = JSON.parse(await readFile(released, 'utf8'));
  const shapes = Object.entries(transformerShapes({ ...releasedSizes, layers })).filter(
    ([name]) => name.startsWith(`${transformerPath}.`) && !name.includes('_embeddings_connector.'),
  );
  const transformer = { ...config.transformer, num_layers: layers };
  await writeRandom(`${path}.partial`, Object.fromEntries(shapes), { ...config, transformer });
  await rename(`${path}.partial`, path);
  return path;
}
