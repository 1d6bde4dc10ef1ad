import { crc32 } from 'node:zlib';
import sharp from 'sharp';

/** Formats whose decoders go on where a file ends too early. */
export type LenientFormat = 'jpeg' | 'png' | 'gif';

/** A file that ends too early, so that its decoder takes all that is there. */
export function closed(file: Buffer, format: LenientFormat): Buffer {
  return format === 'png' ? closedPng(file) : file;
}

/**
 * Which share of a picture's rows, 0 to 1, a file that ends too early does not hold. What is missing looks like the
 * picture of the file's header alone: that is what the decoder fills it with.
 *
 * @throws Error where not even the header is there
 */
export async function missingRows(file: Buffer, format: LenientFormat): Promise<number> {
  const picture = await lenientPixels(file);
  const filler = format === 'gif' ? undefined : await lenientPixels(file.subarray(0, contentStart(file, format)));
  // What is missing of a GIF is transparent black.
  const missing = filler?.data ?? Buffer.alloc(picture.data.length);
  const rowBytes = picture.data.length / picture.height;
  let rows = 0;
  for (let at = picture.data.length - rowBytes; at >= 0; at -= rowBytes) {
    if (picture.data.subarray(at, at + rowBytes).equals(missing.subarray(at, at + rowBytes))) rows++;
    // An interlaced GIF lacks rows between those it has.
    else if (format !== 'gif') break;
  }
  return rows / picture.height;
}

async function lenientPixels(file: Buffer): Promise<{ readonly data: Buffer; readonly height: number }> {
  const { data, info } = await sharp(file, { failOn: 'none', limitInputPixels: false })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, height: info.height };
}

/** Where the compressed content begins. */
function contentStart(file: Buffer, format: 'jpeg' | 'png'): number {
  return format === 'png' ? file.indexOf('IDAT') + 4 : scanStart(file);
}

/** Behind the header of the first scan (`FF DA`). */
function scanStart(file: Buffer): number {
  let at = 2;
  while (file[at + 1] !== 0xda) at += file[at + 1] === 0xff ? 1 : 2 + file.readUInt16BE(at + 2);
  return at + 2 + file.readUInt16BE(at + 2);
}

/** The last chunk with what there is of it, since chunks are read whole. */
function closedPng(file: Buffer): Buffer {
  let at = 8;
  while (at + 8 <= file.length && at + 12 + file.readUInt32BE(at) <= file.length) at += 12 + file.readUInt32BE(at);
  const isCutContent = file.toString('latin1', at + 4, at + 8) === 'IDAT';
  if (!isCutContent) return file;
  const declared = file.readUInt32BE(at);
  const chunk = file.subarray(at + 4, Math.min(file.length, at + 8 + declared));
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(chunk.length - 4);
  checksum.writeUInt32BE(crc32(chunk));
  return Buffer.concat([file.subarray(0, at), length, chunk, checksum]);
}
