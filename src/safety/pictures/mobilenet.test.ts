import { cp, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeSafetensors } from '../../graph/weights/safetensors-writer.ts';
import type { Picture } from '../../media/raw/picture-file.ts';
import { openMobilenet } from './mobilenet.ts';
import { PictureClassifier } from './picture-classifier.ts';
import { choosePictureModel } from './picture-model.ts';

const cases = JSON.parse(
  await readFile(join(import.meta.dirname, '../../../test/fixtures/safety/nsfwjs-cases.json'), 'utf8'),
) as readonly { readonly name: keyof typeof pictures; readonly classes: Readonly<Record<string, number>> }[];

/** As in the script that made the fixture. */
const pictures = {
  noise: (x: number, y: number, channel: number) =>
    Math.imul(x * 7919 + y * 104729 + channel * 1299709, 2654435761) >>> 24,
  ramps: (x: number, y: number, channel: number) => [x, y, 223 - x][channel] ?? 0,
  checks: (x: number, y: number, channel: number) =>
    (((x >> 4) + (y >> 4)) % 2) * 255 - channel * (((x >> 4) + (y >> 4)) % 2) * 60,
  disc: (x: number, y: number, channel: number) =>
    ((x - 112) ** 2 + (y - 112) ** 2 < 6400 ? [224, 172, 140] : [30, 60, 90])[channel] ?? 0,
  stripes: (x: number, y: number, channel: number) => (Math.floor((x + 2 * y) / 9) % 3 === channel ? 240 : 20),
};

function picture(value: (x: number, y: number, channel: number) => number, width = 224, height = 224): Picture {
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, index) => {
    const pixel = Math.floor(index / 3);
    return value(pixel % width, Math.floor(pixel / width), index % 3);
  });
  return { width, height, rgb };
}

const { path, threshold } = await choosePictureModel('embedded');
let classifier: PictureClassifier;
let folder: string;

beforeAll(async () => {
  classifier = await PictureClassifier.open({ network: await openMobilenet(path), threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'soundstage-mobilenet-'));
});
afterAll(async () => {
  await classifier[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test.for(cases)('$name: the probabilities that nsfwjs gives', async ({ name, classes }) => {
  const ours = await classifier.classify(picture(pictures[name]));
  expect(Object.keys(ours).sort()).toEqual(Object.keys(classes).sort());
  for (const [label, probability] of Object.entries(classes)) {
    expect(Math.abs((ours[label] ?? Number.NaN) - probability)).toBeLessThan(1e-4);
  }
});

test('noise of any size, plain colors and shapes are far from the threshold', async () => {
  for (const [width, height] of [
    [64, 64],
    [512, 384],
    [333, 97],
  ] as const) {
    for (const value of Object.values(pictures)) {
      expect(await classifier.explicitness(picture(value, width, height))).toBeLessThan(threshold / 2);
    }
  }
});

test('a file that is no such network is refused by name', async () => {
  const cut = join(folder, 'cut.safetensors');
  await cp(path, cut);
  await truncate(cut, 2_000_000);
  await expect(openMobilenet(cut)).rejects.toMatchObject({ kind: 'weights', message: expect.stringContaining(cut) });
  const other = join(folder, 'other.safetensors');
  await writeSafetensors(other, [{ name: 'x', dtype: 'uint8', shape: [1], bytes: () => Uint8Array.of(1) }]);
  await expect(openMobilenet(other)).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringContaining(other),
  });
});
