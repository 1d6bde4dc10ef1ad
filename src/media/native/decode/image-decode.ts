import { open, readFile } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import { AV_CODEC_ID_BMP } from 'node-av/constants';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { SoundstageError } from '../../../shared/errors.ts';
import { closed, missingRows } from './cut-off-image.ts';
import type { PictureSize } from './decode-methods.ts';
import { decodeHeif, type HeifPicture } from './heif-decode.ts';
import { fileAt } from './media-input.ts';

import { decodeStill, maxPixels } from './still-decode.ts';

// Everything else libvips reads (svg, pdf, raw camera files…) is closed: fewer parsers meet untrusted bytes.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    ...['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff'].map((name) => `VipsForeignLoad${name}File`),
    ...['Jpeg', 'Png', 'Nsgif', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`),
  ],
});
sharp.cache(false);

const formats = Object.freeze(['png', 'jpeg', 'webp', 'avif', 'heic', 'gif', 'tiff', 'bmp'] as const);
type ImageFormat = (typeof formats)[number];

/** H.264 goes no further a side, and the picture is encoded once as H.264. */
const maxSide = 16_384;
/** A picture that is cut off is used while it lacks no larger share of its rows. */
const maxMissing = 0.25;

export interface DecodedPicture extends PictureSize {
  /** `[height, width, 3]` */
  readonly rgb: Uint8Array;
}

export interface DecodedPixels extends DecodedPicture {
  /** The file ended before the picture did, and the rest is blank or coarse. */
  readonly isCutOff: boolean;
}

/**
 * Decodes the first frame of a png, jpeg, webp, avif, heic, gif, tiff or bmp file to 8-bit sRGB: rotation and ICC profile
 * applied, transparency laid over white. A png, jpeg or gif that is cut off is used, as browsers do, where most of it is
 * there.
 */
export async function decodeImage(path: string, field: string): Promise<DecodedPixels> {
  fileAt(path, field);
  const format = imageFormat(await startOf(path));
  if (format === undefined) throw unreadable(field);
  if (format === 'heic') return { ...(await decodeHeic(path, field)), isCutOff: false };
  try {
    if (format === 'bmp') return { ...(await decodeBmp(path, field)), isCutOff: false };
    // The size is checked against our own limits, with a sentence that names them.
    const source = format === 'avif' ? await stillAvif(path) : path;
    checkSize(await sharp(source, { limitInputPixels: false, failOn: 'none' }).metadata(), field);
    return await toRgb(sharp(source, { failOn: 'error', autoOrient: true, limitInputPixels: maxPixels })).then(
      (picture) => ({ ...picture, isCutOff: false }),
      (error: unknown) => decodeCutOff(path, format, error),
    );
  } catch (error) {
    if (error instanceof SoundstageError) throw error;
    const message = `The ${field} is damaged or cut off: export the picture again and send all of it.`;
    throw new SoundstageError('input', message, { field, cause: error });
  }
}

/** Bytes of the header in the versions of the format. */
const bmpHeaders: readonly number[] = [12, 16, 40, 52, 56, 64, 108, 124];

/** What a file is by its first bytes. */
function imageFormat(start: Buffer): ImageFormat | undefined {
  const text = start.toString('latin1');
  if (text.startsWith('\x89PNG')) return 'png';
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('GIF8')) return 'gif';
  if (/^RIFF.{4}WEBP/s.test(text)) return 'webp';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(text)) return 'tiff';
  // The size of the header behind it tells a bitmap from a text that begins with BM.
  if (text.startsWith('BM') && start.length >= 18 && bmpHeaders.includes(start.readUInt32LE(14))) return 'bmp';
  return text.startsWith('ftyp', 4) ? heifFormat(start) : undefined;
}

/** By the major brand, then by the compatible ones: a HEIF file may call itself `mif1` and name its codec later. */
function heifFormat(start: Buffer): 'heic' | 'avif' | undefined {
  const brands = start.toString('latin1', 8, Math.min(start.readUInt32BE(0), start.length)).match(/.{4}/gs) ?? [];
  for (const brand of brands) {
    if (/^avi[fs]$/.test(brand)) return 'avif';
    if (/^he[iv][cxms]$/.test(brand)) return 'heic';
  }
  return brands.some((brand) => /^(?:mif[12]|msf1|miaf)$/.test(brand)) ? 'heic' : undefined;
}

/** The file of an AVIF animation holds a still picture too, but libvips knows it only by the brand of stills. */
async function stillAvif(path: string): Promise<Buffer> {
  const file = await readFile(path);
  if (file.toString('latin1', 8, 12) === 'avis') file.write('avif', 8, 'latin1');
  return file;
}

async function startOf(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
  return buffer.subarray(0, bytesRead);
}

async function toRgb(image: Sharp): Promise<DecodedPicture> {
  const { data, info } = await image
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`expected 3 channels, got ${info.channels}`);
  return { width: info.width, height: info.height, rgb: data };
}

async function decodeCutOff(path: string, format: ImageFormat, error: unknown): Promise<DecodedPixels> {
  const mayBeCutOff =
    format === 'png' || format === 'gif' || (format === 'jpeg' && /premature end/.test(String(error)));
  if (!mayBeCutOff) throw error;
  const file = closed(await readFile(path), format);
  if ((await missingRows(file, format)) > maxMissing) throw error;
  return {
    ...(await toRgb(sharp(file, { failOn: 'none', autoOrient: true, limitInputPixels: maxPixels }))),
    isCutOff: true,
  };
}

async function decodeBmp(path: string, field: string): Promise<DecodedPicture> {
  const content = await readFile(path);
  // The oldest headers have sides of 16 bits. A negative height means rows from the top.
  const isOld = content.readUInt32LE(14) === 12;
  const width = isOld ? content.readUInt16LE(18) : content.readInt32LE(18);
  const height = isOld ? content.readUInt16LE(20) : Math.abs(content.readInt32LE(22));
  checkSize({ width, height }, field);
  const picture = await decodeStill({ codec: AV_CODEC_ID_BMP, content }, 'rgba');
  return toRgb(sharp(picture.pixels, rawInput(picture, 4)));
}

/** What phones save. */
async function decodeHeic(path: string, field: string): Promise<DecodedPicture> {
  try {
    const picture = await decodeHeif(await readFile(path), (size) => checkSize(size, field));
    return await toRgb(picture.icc === undefined ? rawImage(picture) : await withProfile(picture, picture.icc));
  } catch (error) {
    if (error instanceof SoundstageError) throw error;
    const message = `The ${field} is a HEIC picture that is damaged or of a rare kind: save it as jpeg or png.`;
    throw new SoundstageError('input', message, {
      field,
      type: 'unsupported_image_format',
      context: { supported_formats: formats },
      cause: error,
    });
  }
}

function rawImage({ pixels, channels, ...size }: HeifPicture): Sharp {
  return sharp(pixels, rawInput(size, channels));
}

function rawInput({ width, height }: PictureSize, channels: 3 | 4): SharpOptions {
  return { raw: { width, height, channels }, limitInputPixels: maxPixels };
}

/** Raw pixels have no place for a profile, but a PNG has (chunk `iCCP`), right behind its header of 33 bytes. */
async function withProfile(picture: HeifPicture, icc: Uint8Array): Promise<Sharp> {
  const png = await rawImage(picture).png({ compressionLevel: 0 }).toBuffer();
  const chunk = Buffer.concat([Buffer.from('iCCPICC\0\0', 'latin1'), deflateSync(icc)]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(chunk.length - 4);
  checksum.writeUInt32BE(crc32(chunk));
  return sharp(Buffer.concat([png.subarray(0, 33), length, chunk, checksum, png.subarray(33)]), {
    limitInputPixels: maxPixels,
  });
}

function unreadable(field: string): SoundstageError {
  const names = new Intl.ListFormat('en', { type: 'disjunction' }).format(formats);
  return new SoundstageError('input', `The ${field} is not a picture that can be read: use ${names}.`, { field });
}

function checkSize({ width, height }: PictureSize, field: string): void {
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
