import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MediaService, type Picture } from './media-service.ts';

const media = new MediaService();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-image-'));
});
afterAll(async () => {
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Left half red, right half blue. */
function redAndBlue(width = 64, height = 32): Sharp {
  const rgb = Buffer.alloc(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) rgb[pixel * 3 + (pixel % width < width / 2 ? 0 : 2)] = 255;
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

async function decoded(name: string, content: Uint8Array): Promise<Picture> {
  const path = join(folder, name);
  await writeFile(path, content);
  return media.decodeImage(path);
}

function pixel({ rgb, width }: Picture, x: number, y: number): number[] {
  return [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function expectColour(actual: number[], expected: number[], tolerance: number): void {
  for (const [index, value] of expected.entries()) {
    expect(Math.abs((actual[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(tolerance);
  }
}

describe('decodeImage', () => {
  it.each(['png', 'jpeg', 'webp', 'avif', 'gif', 'tiff'] as const)('decodes %s', async (format) => {
    const picture = await decoded('picture', await redAndBlue().toFormat(format, { quality: 95 }).toBuffer());
    expect(picture).toMatchObject({ width: 64, height: 32 });
    expect(picture.rgb).toHaveLength(64 * 32 * 3);
    expectColour(pixel(picture, 8, 8), [255, 0, 0], 6);
    expectColour(pixel(picture, 56, 8), [0, 0, 255], 6);
  });

  it('turns the picture as EXIF says', async () => {
    const turned = await redAndBlue().jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
    const picture = await decoded('turned.jpg', turned);
    expect(picture).toMatchObject({ width: 32, height: 64 });
    expectColour(pixel(picture, 16, 8), [255, 0, 0], 8);
  });

  it('converts the ICC profile to sRGB', async () => {
    const colour = { r: 120, g: 180, b: 90 };
    const plain = sharp({ create: { width: 8, height: 8, channels: 3, background: colour } });
    const wide = await plain.withIccProfile('p3').png().toBuffer();
    expectColour(pixel(await decoded('p3.png', wide), 4, 4), [120, 180, 90], 2);
  });

  it('lays transparency over white, and makes colour of grey, palettes and 16 bits', async () => {
    const clear = sharp({ create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    expect(pixel(await decoded('clear.png', await clear.png().toBuffer()), 1, 1)).toEqual([255, 255, 255]);
    const grey = await redAndBlue().toColourspace('b-w').png().toBuffer();
    expect((await decoded('grey.png', grey)).rgb).toHaveLength(64 * 32 * 3);
    const deep = await redAndBlue().toColourspace('rgb16').png().toBuffer();
    expectColour(pixel(await decoded('deep.png', deep), 8, 8), [255, 0, 0], 1);
    const palette = await redAndBlue().png({ palette: true }).toBuffer();
    expectColour(pixel(await decoded('palette.png', palette), 8, 8), [255, 0, 0], 1);
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(192, 200), Buffer.alloc(192, 10)]);
    const animation = await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
      .gif()
      .toBuffer();
    const picture = await decoded('moving.gif', animation);
    expect(picture).toMatchObject({ width: 8, height: 8 });
    expectColour(pixel(picture, 4, 4), [200, 200, 200], 4);
  });

  it('refuses a huge picture before it takes memory for it', async () => {
    const huge = sharp({
      create: { width: 20_000, height: 20_000, channels: 3, background: '#000' },
      limitInputPixels: false,
    });
    await writeFile(join(folder, 'huge.png'), await huge.png({ compressionLevel: 1 }).toBuffer());
    const started = performance.now();
    await expect(media.decodeImage(join(folder, 'huge.png'))).rejects.toThrow(/20000×20000: .* 64 megapixels/);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it.each<[string, () => Uint8Array | Promise<Uint8Array>, string]>([
    ['no bytes', () => new Uint8Array(), 'The image file is empty (0 bytes)'],
    ['text', () => Buffer.from('not a picture'), 'not a picture that can be read'],
    ['svg', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'not a picture'],
    ['HEIC', () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), 'is a HEIC picture'],
    ['half a picture', async () => half(await noise()), 'is damaged'],
  ])('refuses %s with a sentence of its own', async (_, make, sentence) => {
    const error = await decoded('bad.png', await make()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'SoundstageError', kind: 'input', field: 'image' });
    expect((error as Error).message).toContain(sentence);
  });

  it('says what a saved page is, in place of a picture and of a recording', async () => {
    const path = join(folder, 'saved.png');
    await writeFile(path, '<!DOCTYPE html>\n<html><head><title>Log in</title>');
    const message = expect.stringContaining('cannot be used: it is a web page ("Log in")');
    await expect(media.decodeImage(path)).rejects.toMatchObject({ kind: 'input', field: 'image', message });
    await expect(media.decodeAudio(path)).rejects.toMatchObject({ kind: 'input', field: 'audio', message });
    await expect(media.probe(path)).rejects.toMatchObject({ kind: 'input', field: 'media', message });
  });

  const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length / 2);
  const noise = (): Promise<Buffer> =>
    sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i * 31) % 251)), {
      raw: { width: 64, height: 64, channels: 3 },
    })
      .png()
      .toBuffer();
});

describe('h264RoundTrip', () => {
  it('gives nearly the same picture, always the same bytes, and crops to even sides', async () => {
    const picture = await decoded('odd.png', await redAndBlue(65, 33).png().toBuffer());
    const once = await media.h264RoundTrip(picture);
    expect(once).toMatchObject({ width: 64, height: 32 });
    expectColour(pixel(once, 8, 8), [255, 0, 0], 12);
    expectColour(pixel(once, 56, 24), [0, 0, 255], 12);
    expect(once.rgb).not.toEqual(picture.rgb);
    expect(await media.h264RoundTrip(picture)).toEqual(once);
  });

  it('loses more at a higher rate factor, and leaves single lines alone', async () => {
    const rgb = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index * 31) % 251);
    const picture: Picture = { width: 64, height: 64, rgb };
    const error = ({ rgb: result }: Picture): number =>
      result.reduce((sum, value, index) => sum + (value - (rgb[index] ?? 0)) ** 2, 0);
    expect(error(await media.h264RoundTrip(picture, 45))).toBeGreaterThan(
      error(await media.h264RoundTrip(picture, 10)),
    );
    const line: Picture = { width: 1, height: 2, rgb: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect(await media.h264RoundTrip(line)).toEqual(line);
  });
});
