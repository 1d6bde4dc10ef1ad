import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elementAt } from '../shared/element-at.ts';
import { bitmap } from './bitmap.test-support.ts';
import { MediaService } from './media-service.ts';
import { decodedImage, h264RoundTrip } from './pictures.test-support.ts';
import type { Picture } from './raw/picture-file.ts';

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

async function decoded(name: string, content: Uint8Array): Promise<Awaited<ReturnType<typeof decodedImage>>> {
  const path = join(folder, name);
  await writeFile(path, content);
  return decodedImage(media, path);
}

function pixel({ rgb, width }: Picture, x: number, y: number): number[] {
  return [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function expectColor(actual: number[], expected: number[], tolerance: number): void {
  for (const [index, value] of expected.entries()) {
    expect(Math.abs(elementAt(actual, index) - value)).toBeLessThanOrEqual(tolerance);
  }
}

describe('decodeImage', () => {
  it.each(['png', 'jpeg', 'webp', 'avif', 'gif', 'tiff'] as const)('decodes %s', async (format) => {
    const picture = await decoded('picture', await redAndBlue().toFormat(format, { quality: 95 }).toBuffer());
    expect(picture).toMatchObject({ width: 64, height: 32 });
    expect(picture.rgb).toHaveLength(64 * 32 * 3);
    expectColor(pixel(picture, 8, 8), [255, 0, 0], 6);
    expectColor(pixel(picture, 56, 8), [0, 0, 255], 6);
  });

  it('turns the picture as EXIF says', async () => {
    const turned = await redAndBlue().jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
    const picture = await decoded('turned.jpg', turned);
    expect(picture).toMatchObject({ width: 32, height: 64 });
    expectColor(pixel(picture, 16, 8), [255, 0, 0], 8);
  });

  it('converts the ICC profile to sRGB', async () => {
    const color = { r: 120, g: 180, b: 90 };
    const plain = sharp({ create: { width: 8, height: 8, channels: 3, background: color } });
    const wide = await plain.withIccProfile('p3').png().toBuffer();
    expectColor(pixel(await decoded('p3.png', wide), 4, 4), [120, 180, 90], 2);
  });

  it('lays transparency over white, and makes color of gray, palettes and 16 bits', async () => {
    const clear = sharp({ create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    expect(pixel(await decoded('clear.png', await clear.png().toBuffer()), 1, 1)).toEqual([255, 255, 255]);
    const gray = await redAndBlue().toColourspace('b-w').png().toBuffer();
    expect((await decoded('gray.png', gray)).rgb).toHaveLength(64 * 32 * 3);
    const deep = await redAndBlue().toColourspace('rgb16').png().toBuffer();
    expectColor(pixel(await decoded('deep.png', deep), 8, 8), [255, 0, 0], 1);
    const palette = await redAndBlue().png({ palette: true }).toBuffer();
    expectColor(pixel(await decoded('palette.png', palette), 8, 8), [255, 0, 0], 1);
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(192, 200), Buffer.alloc(192, 10)]);
    const animation = await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
      .gif()
      .toBuffer();
    const picture = await decoded('moving.gif', animation);
    expect(picture).toMatchObject({ width: 8, height: 8 });
    expectColor(pixel(picture, 4, 4), [200, 200, 200], 4);
  });

  it('refuses a huge picture before it takes memory for it', async () => {
    const huge = sharp({
      create: { width: 20_000, height: 20_000, channels: 3, background: '#000' },
      limitInputPixels: false,
    });
    await writeFile(join(folder, 'huge.png'), await huge.png({ compressionLevel: 1 }).toBuffer());
    const started = performance.now();
    await expect(decodedImage(media, join(folder, 'huge.png'))).rejects.toThrow(/20000×20000: .* 64 megapixels/);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  describe('HEIC', () => {
    const red = [230, 30, 30];
    const green = [30, 200, 60];
    const blue = [40, 60, 220];
    const white = [240, 240, 240];
    const fixture = (name: string): Promise<Buffer> =>
      readFile(new URL(`../../test/fixtures/media/quadrants-${name}.heic`, import.meta.url));

    type Corners = readonly [number[], number[], number[], number[]];

    /** By the colors at its corners. */
    function expectCorners(picture: Picture, [topLeft, topRight, bottomLeft, bottomRight]: Corners): void {
      const [right, bottom] = [picture.width - 12, picture.height - 12];
      for (const [x, y, color] of [
        [12, 12, topLeft],
        [right, 12, topRight],
        [12, bottom, bottomLeft],
        [right, bottom, bottomRight],
      ] as const) {
        expectColor(pixel(picture, x, y), color, 8);
      }
    }

    it('is read: tiles put together, turned as the file says, colors of its ICC profile', async () => {
      const picture = await decoded('tiles.heic', await fixture('tiles'));
      expect(picture).toMatchObject({ width: 100, height: 150, isCutOff: false });
      expectCorners(picture, [blue, red, white, green]);
    });

    it('is read when mirrored, and its transparency is laid over white', async () => {
      expectCorners(await decoded('flipped.heic', await fixture('flipped')), [blue, white, red, green]);
      const clear = await decoded('alpha.heic', await fixture('alpha'));
      expectCorners(clear, [green, red, [255, 255, 255], blue]);
    });

    it.each([
      ['mif1', 'heic'],
      ['msf1', 'heix'],
      ['heix', 'mif1'],
      ['hevc', 'mif1'],
      ['mif1', 'miaf'],
    ])('is known by its brands: %s, compatible with %s', async (major, compatible) => {
      const file = await fixture('tiles');
      file.write(major, 8, 'latin1');
      file.write('mif1', 16, 'latin1');
      file.write(compatible, 20, 'latin1');
      expectCorners(await decoded('brands.heic', file), [blue, red, white, green]);
      // In name only: nothing of a picture follows.
      const message = expect.stringContaining('is a HEIC picture');
      await expect(decoded('name.heic', file.subarray(0, 28))).rejects.toMatchObject({
        ...{ kind: 'input', field: 'image', type: 'unsupported_image_format', message },
      });
    });

    it('is told from AVIF that calls itself mif1', async () => {
      const file = await redAndBlue().avif({ quality: 95 }).toBuffer();
      file.write('mif1', 8, 'latin1');
      expectColor(pixel(await decoded('brands.avif', file), 8, 8), [255, 0, 0], 6);
    });

    it('is told from an AVIF animation, which is read as its still picture', async () => {
      const file = await redAndBlue().avif({ quality: 95 }).toBuffer();
      file.write('avis', 8, 'latin1');
      expectColor(pixel(await decoded('moving.avif', file), 56, 8), [0, 0, 255], 6);
    });

    it.each([0.05, 0.3, 0.6, 0.9])('that lacks %d of its bytes is refused as such', async (share) => {
      const file = await fixture('tiles');
      await expect(decoded('cut.heic', file.subarray(0, file.length * (1 - share)))).rejects.toThrow(
        /is a HEIC picture that is damaged/,
      );
    });

    it('of a huge size is refused before it is decoded', async () => {
      const single = await fixture('flipped');
      const size = single.indexOf('ispe') + 8;
      single.writeUInt32BE(20_000, size);
      single.writeUInt32BE(20_000, size + 4);
      await expect(decoded('huge.heic', single)).rejects.toMatchObject({ type: 'image_too_large' });
      const tiles = await fixture('tiles');
      tiles.writeUInt16BE(65_535, tiles.indexOf('idat') + 8);
      await expect(decoded('wide.heic', tiles)).rejects.toMatchObject({ type: 'image_too_large' });
    });
  });

  describe('BMP', () => {
    const rgb = async (): Promise<Buffer> => redAndBlue(5, 3).raw().toBuffer();

    it('is read, rows from the bottom or from the top, with and without opacity', async () => {
      for (const file of [bitmap(5, 3, await rgb()), bitmap(5, 3, await rgb(), 255)]) {
        const picture = await decoded('picture.bmp', file);
        expect(picture).toEqual({ width: 5, height: 3, rgb: new Uint8Array(await rgb()), isCutOff: false });
      }
      const fromTop = bitmap(
        5,
        3,
        Uint8Array.from({ length: 45 }, (_, index) => index),
      );
      fromTop.writeInt32LE(-3, 22);
      expect(pixel(await decoded('top.bmp', fromTop), 0, 0)).toEqual([30, 31, 32]);
      const half = await decoded('clear.bmp', bitmap(5, 3, new Uint8Array(45), 128));
      expectColor(pixel(half, 2, 1), [127, 127, 127], 1);
    });

    it('is refused where it is huge or cut off', async () => {
      const huge = bitmap(5, 3, await rgb());
      huge.writeInt32LE(60_000, 18);
      await expect(decoded('huge.bmp', huge)).rejects.toMatchObject({ type: 'image_too_large' });
      await expect(decoded('cut.bmp', bitmap(5, 3, await rgb()).subarray(0, 80))).rejects.toThrow(/cut off/);
      await expect(decoded('text.bmp', Buffer.from('BMW, Audi and other brands'))).rejects.toThrow(/not a picture/);
    });
  });

  describe('a picture that is cut off', () => {
    const photo = (): Sharp => {
      const rgb = Uint8Array.from({ length: 160 * 120 * 3 }, (_, index) => Math.imul(index, 2654435761) >>> 24);
      return sharp(rgb, { raw: { width: 160, height: 120, channels: 3 } });
    };
    const files = {
      jpeg: () => photo().jpeg().toBuffer(),
      'progressive jpeg': () => photo().jpeg({ progressive: true }).toBuffer(),
      'jpeg in CMYK': () => photo().toColourspace('cmyk').jpeg().toBuffer(),
      'jpeg of one color': () =>
        sharp({ create: { width: 64, height: 64, channels: 3, background: '#fff' } })
          .jpeg()
          .toBuffer(),
      png: () => photo().png().toBuffer(),
      gif: () => photo().gif().toBuffer(),
      'interlaced gif': () => photo().gif({ progressive: true }).toBuffer(),
    };

    it.each(Object.entries(files))('%s that lacks its last bytes is used', async (_, make) => {
      const file = await make();
      const whole = await decoded('whole', file);
      expect(whole.isCutOff).toBe(false);
      // Of one color, a picture is hardly more than its header.
      for (const bytes of file.length < 1000 ? [2] : [2, 20, Math.floor(file.length / 10)]) {
        const cut = await decoded('cut', file.subarray(0, -bytes));
        expect(cut).toMatchObject({ width: whole.width, height: whole.height });
        // A PNG may lack its last chunk, which holds nothing.
        if (bytes > 2) expect(cut.isCutOff).toBe(true);
        expect(pixel(cut, 5, 5)).toEqual(pixel(whole, 5, 5));
      }
    });

    it('is turned as EXIF says, like a whole one', async () => {
      const file = await redAndBlue().jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
      const picture = await decoded('cut.jpg', file.subarray(0, -2));
      expect(picture).toMatchObject({ width: 32, height: 64, isCutOff: true });
      expectColor(pixel(picture, 16, 8), [255, 0, 0], 8);
    });

    it.each(['jpeg', 'jpeg in CMYK', 'png', 'gif', 'interlaced gif'] as const)(
      '%s that lacks half is refused',
      async (name) => {
        const file = await files[name]();
        for (const share of [0.5, 0.7, 0.95]) {
          await expect(decoded('half', file.subarray(0, file.length * (1 - share)))).rejects.toMatchObject({
            ...{ kind: 'input', field: 'image', message: expect.stringContaining('is damaged or cut off') },
          });
        }
      },
    );

    it.each(['webp', 'avif', 'tiff'] as const)('%s that lacks its end is refused as cut off', async (format) => {
      const file = await photo().toFormat(format).toBuffer();
      await expect(decoded('cut', file.subarray(0, -20))).rejects.toThrow(/is damaged or cut off/);
    });
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
    await expect(decodedImage(media, path)).rejects.toMatchObject({ kind: 'input', field: 'image', message });
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
    const once = await h264RoundTrip(media, picture);
    expect(once).toMatchObject({ width: 64, height: 32 });
    expectColor(pixel(once, 8, 8), [255, 0, 0], 12);
    expectColor(pixel(once, 56, 24), [0, 0, 255], 12);
    expect(once.rgb).not.toEqual(picture.rgb);
    expect(await h264RoundTrip(media, picture)).toEqual(once);
  });

  it('loses more at a higher rate factor, and leaves single lines alone', async () => {
    const rgb = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index * 31) % 251);
    const picture: Picture = { width: 64, height: 64, rgb };
    const error = ({ rgb: result }: Picture): number =>
      result.reduce((sum, value, index) => sum + (value - elementAt(rgb, index)) ** 2, 0);
    expect(error(await h264RoundTrip(media, picture, 45))).toBeGreaterThan(
      error(await h264RoundTrip(media, picture, 10)),
    );
    const line: Picture = { width: 1, height: 2, rgb: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect(await h264RoundTrip(media, line)).toEqual(line);
  });
});
