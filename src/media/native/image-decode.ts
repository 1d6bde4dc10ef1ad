import { open } from 'node:fs/promises';
import sharp, { type Metadata } from 'sharp';
import { SoundstageError } from '../../shared/errors.ts';
import { fileAt } from './media-input.ts';

// Everything else libvips reads (svg, pdf, raw camera files…) is closed: fewer parsers meet untrusted bytes.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}File`),
});
sharp.cache(false);

const formats = Object.freeze(['png', 'jpeg', 'webp', 'avif', 'gif', 'tiff']);

/** H.264 goes no further a side, and the picture is encoded once as H.264. */
const maxSide = 16_384;
/** 192 MB of RGB. */
const maxPixels = 64_000_000;

export interface DecodedPicture {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]` */
  readonly rgb: Uint8Array;
}

/**
 * Decodes the first frame of a png, jpeg, webp, avif, gif or tiff file to 8-bit sRGB: EXIF rotation and ICC profile
 * applied, transparency laid over white.
 */
export async function decodeImage(path: string, field: string): Promise<DecodedPicture> {
  fileAt(path, field);
  await refuseHeic(path, field);
  checkSize(await readMetadata(path, field), field);
  try {
    const { data, info } = await sharp(path, { limitInputPixels: maxPixels, failOn: 'error', autoOrient: true })
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`expected 3 channels, got ${info.channels}`);
    return { width: info.width, height: info.height, rgb: data };
  } catch (error) {
    const message = `The ${field} is damaged and cannot be decoded: export the picture again.`;
    throw new SoundstageError('input', message, { field, cause: error });
  }
}

/** Phones save HEIC; its codec is under patents and not built in. */
async function refuseHeic(path: string, field: string): Promise<void> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 0);
  if (!/^ftyphe[iv]/.test(buffer.toString('latin1', 4))) return;
  const message = `The ${field} is a HEIC picture, which cannot be read: save it as jpeg or png.`;
  throw new SoundstageError('input', message, {
    field,
    type: 'unsupported_image_format',
    context: { supported_formats: formats },
  });
}

async function readMetadata(path: string, field: string): Promise<Metadata> {
  try {
    // The size is checked against our own limits, with a sentence that names them.
    return await sharp(path, { limitInputPixels: false }).metadata();
  } catch (error) {
    const names = new Intl.ListFormat('en', { type: 'disjunction' }).format(formats);
    const message = `The ${field} is not a picture that can be read: use ${names}.`;
    throw new SoundstageError('input', message, { field, cause: error });
  }
}

function checkSize({ width, height }: Metadata, field: string): void {
  if (width <= maxSide && height <= maxSide && width * height <= maxPixels) return;
  const message =
    `The ${field} is ${width}×${height}: pictures may have at most ${maxSide} pixels a side ` +
    `and ${maxPixels / 1e6} megapixels, so scale it down first.`;
  throw new SoundstageError('input', message, {
    field,
    type: 'image_too_large',
    context: { max_width: maxSide, max_height: maxSide },
  });
}
