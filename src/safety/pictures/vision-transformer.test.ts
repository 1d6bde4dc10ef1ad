import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { floats, runOnce } from '../../graph/runtime/session.ts';
import type { Picture } from '../../media/raw/picture-file.ts';
import { elementAt } from '../../shared/element-at.ts';
import { picturePixels } from './picture-pixels.ts';
import { openVisionTransformer } from './vision-transformer.ts';

const fixture = join(import.meta.dirname, '../../../test/fixtures/safety/vit-tiny');
const cases = JSON.parse(await readFile(join(fixture, 'cases.json'), 'utf8')) as readonly {
  readonly width: number;
  readonly height: number;
  readonly logits: readonly number[];
}[];

/** As in the script that made the fixture. */
function picture(width: number, height: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const check = ((Math.floor(x / 5) + Math.floor(y / 3)) % 2) * 200;
      const pixel = [Math.floor((x * 255) / (width - 1)), Math.floor((y * 255) / (height - 1)), check];
      rgb.set(pixel, (y * width + x) * 3);
    }
  }
  return { width, height, rgb };
}

async function logitsOf(width: number, height: number): Promise<readonly number[]> {
  const { graph, preparation } = await openVisionTransformer(fixture);
  const pixels = await picturePixels(picture(width, height), preparation);
  return [...floats(await runOnce(graph, { pixels }), 'logits').data];
}

test.for(cases)('$width×$height: the logits of the reference implementation', async ({ width, height, logits }) => {
  // Float rounding at the network's own size; elsewhere two resizers with the same filter differ, most when enlarging.
  const tolerance = width === 32 ? 1e-5 : width > 32 ? 0.05 : 0.1;
  const ours = await logitsOf(width, height);
  ours.forEach((logit, index) => {
    expect(Math.abs(logit - elementAt(logits, index))).toBeLessThan(tolerance);
  });
});

test('labels in the order of the logits', async () => {
  expect((await openVisionTransformer(fixture)).labels).toEqual(['normal', 'nsfw']);
});

describe('a folder that does not fit', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'soundstage-vit-'));
    await cp(fixture, folder, { recursive: true });
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function changeConfig(name: string, change: Record<string, unknown>): Promise<void> {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
  }

  test.for([
    ['config.json', { model_type: 'swin' }, /config\.json does not describe a usable ViT classifier: model_type/],
    ['config.json', { num_hidden_layers: 3 }, /no tensor "vit\.encoder\.layer\.2/],
    ['config.json', { id2label: { 0: 'normal' } }, /tells 2 classes apart, but its config\.json names 1/],
    ['preprocessor_config.json', { size: { width: 64, height: 64 } }, /64×64, but the network takes 32×32/],
    ['preprocessor_config.json', { resample: 9 }, /unknown filter 9/],
  ] as const)('%s with %o', async ([name, change, message]) => {
    await changeConfig(name, change);
    await expect(openVisionTransformer(folder)).rejects.toMatchObject({
      kind: 'weights',
      message: expect.stringMatching(message),
    });
  });

  test('weights cut off', async () => {
    await truncate(join(folder, 'model.safetensors'), 5000);
    await expect(openVisionTransformer(folder)).rejects.toMatchObject({ kind: 'weights' });
  });

  test('a file missing', async () => {
    await rm(join(folder, 'preprocessor_config.json'));
    await expect(openVisionTransformer(folder)).rejects.toThrow(/preprocessor_config\.json .*ENOENT/);
  });
});
