import type { AVColorPrimaries, AVColorSpace, AVColorTransferCharacteristic } from 'node-av/constants';
import {
  AV_CODEC_ID_HEVC,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import sharp from 'sharp';
import type { PictureSize } from './decode-methods.ts';
import { HeifFile, type HeifItem, type HeifProperty } from './heif-file.ts';
import { decodeStill } from './still-decode.ts';

export interface HeifPicture extends PictureSize {
  /** `[height, width, channels]`; the fourth channel is the opacity. */
  readonly pixels: Uint8Array;
  readonly channels: 3 | 4;
  readonly icc: Uint8Array | undefined;
}

/** How often an item may be made from others; tiles are not. */
const deepest = 2;
/** More tiles than those of any picture within the limits. */
const maxParts = 4096;

/**
 * Decodes the primary picture of a HEIF file with HEVC content, as phones save it: a single picture or a grid of tiles,
 * cropped, turned and mirrored as its properties say, with its transparency. EXIF does not count there.
 *
 * @param checkSize throws where a picture is too large; asked before it is decoded
 * @throws Error where it is damaged, or holds something else than HEVC
 */
export async function decodeHeif(
  bytes: Uint8Array<ArrayBuffer>,
  checkSize: (size: PictureSize) => void,
): Promise<HeifPicture> {
  const file = new HeifFile(bytes);
  const picture = await decodeItem(file, file.primary, checkSize);
  const icc = iccProfile(file.item(file.primary)) ?? iccProfile(file.item(firstPart(file, file.primary)));
  const alpha = file.alphaOf(file.primary);
  if (alpha === undefined) return { ...picture, channels: 3, icc };
  return { ...(await withAlpha(picture, await decodeItem(file, alpha, checkSize))), icc };
}

interface Rgb extends PictureSize {
  readonly pixels: Uint8Array;
}

async function decodeItem(file: HeifFile, id: number, checkSize: (size: PictureSize) => void, depth = 0): Promise<Rgb> {
  const item = file.item(id);
  let picture: Rgb;
  if (item.type === 'hvc1' || item.type === 'hev1') picture = await decodeCoded(item, checkSize);
  else if (item.type === 'grid' && depth < deepest) picture = await decodeGrid(file, item, checkSize);
  else if (item.type === 'iden' && depth < deepest)
    picture = await decodeItem(file, onlyPart(item), checkSize, depth + 1);
  else throw new Error(`items of type ${item.type} are not read here`);
  for (const property of item.properties) picture = await transformed(picture, property);
  return picture;
}

async function decodeCoded(item: HeifItem, checkSize: (size: PictureSize) => void): Promise<Rgb> {
  const size = property(item, 'ispe');
  if (size !== undefined) checkSize({ width: size.getUint32(0), height: size.getUint32(4) });
  const configuration = property(item, 'hvcC');
  if (configuration === undefined) throw new Error('the picture has no decoder configuration');
  const extraData = Buffer.from(configuration.buffer, configuration.byteOffset, configuration.byteLength);
  const picture = { codec: AV_CODEC_ID_HEVC, content: Buffer.from(item.content), extraData };
  const { width, height, pixels } = await decodeStill(picture, 'rgb', (frame) => setColors(frame, item));
  checkSize({ width, height });
  return { width, height, pixels };
}

async function decodeGrid(
  file: HeifFile,
  { content, parts }: HeifItem,
  checkSize: (size: PictureSize) => void,
): Promise<Rgb> {
  const { rows, columns, width, height } = gridOf(content);
  checkSize({ width, height });
  if (parts.length !== rows * columns || parts.length > maxParts)
    throw new Error('the grid has a wrong number of tiles');
  const pixels = new Uint8Array(width * height * 3);
  let tileSize: PictureSize | undefined;
  for (const [index, part] of parts.entries()) {
    const tile = await decodeItem(file, part, checkSize, deepest);
    tileSize ??= tile;
    if (tile.width !== tileSize.width || tile.height !== tileSize.height) throw new Error('the tiles differ in size');
    if (tile.width * columns < width || tile.height * rows < height) throw new Error('the tiles leave gaps');
    paste(tile, { width, height, pixels }, (index % columns) * tile.width, Math.floor(index / columns) * tile.height);
  }
  return { width, height, pixels };
}

/** `ImageGrid`: version, flags, rows − 1, columns − 1, width, height; with flag 1 the sides have 32 bits. */
function gridOf(content: Uint8Array): PictureSize & { readonly rows: number; readonly columns: number } {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const isWide = (view.getUint8(1) & 1) === 1;
  const [width, height] = isWide ? [view.getUint32(4), view.getUint32(8)] : [view.getUint16(4), view.getUint16(6)];
  return { rows: view.getUint8(2) + 1, columns: view.getUint8(3) + 1, width, height };
}

/** Copies what of `tile` lies within `canvas`. */
function paste(tile: Rgb, canvas: Rgb, left: number, top: number): void {
  const columns = Math.min(tile.width, canvas.width - left);
  const rows = Math.min(tile.height, canvas.height - top);
  for (let y = 0; y < rows && columns > 0; y++) {
    const row = tile.pixels.subarray(y * tile.width * 3, (y * tile.width + columns) * 3);
    canvas.pixels.set(row, ((top + y) * canvas.width + left) * 3);
  }
}

/** Colors as the file names them; where neither it nor the content does, they are those of JPEG. */
function setColors(frame: Frame, item: HeifItem): void {
  const colors = item.properties.map(nclx).find((found) => found !== undefined);
  if (colors !== undefined) {
    frame.colorPrimaries = colors.getUint16(4) as AVColorPrimaries;
    frame.colorTrc = colors.getUint16(6) as AVColorTransferCharacteristic;
    frame.colorSpace = colors.getUint16(8) as AVColorSpace;
    frame.colorRange = colors.getUint8(10) >= 0x80 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  }
  if (frame.colorSpace === AVCOL_SPC_UNSPECIFIED) frame.colorSpace = AVCOL_SPC_SMPTE170M;
}

function nclx({ type, content }: HeifProperty): DataView | undefined {
  return type === 'colr' && fourCharacters(content) === 'nclx' && content.byteLength >= 11 ? content : undefined;
}

function iccProfile({ properties }: HeifItem): Uint8Array | undefined {
  const found = properties.find(
    ({ type, content }) => type === 'colr' && ['prof', 'rICC'].includes(fourCharacters(content)),
  )?.content;
  return found && new Uint8Array(found.buffer, found.byteOffset + 4, found.byteLength - 4);
}

function fourCharacters(content: DataView): string {
  return content.byteLength < 4 ? '' : String.fromCharCode(...[0, 1, 2, 3].map((index) => content.getUint8(index)));
}

function property({ properties }: HeifItem, type: string): DataView | undefined {
  return properties.find((each) => each.type === type)?.content;
}

function firstPart(file: HeifFile, id: number): number {
  return file.item(id).parts[0] ?? id;
}

function onlyPart({ parts }: HeifItem): number {
  const [part] = parts;
  if (part === undefined) throw new Error('the picture is made from nothing');
  return part;
}

/** A picture cropped (`clap`), turned (`irot`) or mirrored (`imir`); as it is for other properties. */
async function transformed(picture: Rgb, { type, content }: HeifProperty): Promise<Rgb> {
  const { width, height, pixels } = picture;
  if (!['clap', 'irot', 'imir'].includes(type)) return picture;
  const image = sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  if (type === 'clap') image.extract(cleanAperture(content, picture));
  // Counterclockwise in the file.
  else if (type === 'irot') image.rotate((4 - (content.getUint8(0) & 3)) * 90);
  else if ((content.getUint8(0) & 1) === 0) image.flip();
  else image.flop();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}

/** Width, height and the offsets of the center from the picture's, each a fraction of two 32-bit numbers. */
function cleanAperture(
  content: DataView,
  { width, height }: PictureSize,
): { left: number; top: number; width: number; height: number } {
  const fraction = (at: number): number => content.getInt32(at) / content.getUint32(at + 4);
  const [across, down] = [Math.round(fraction(0)), Math.round(fraction(8))];
  const left = Math.round(fraction(16) + (width - across) / 2);
  const top = Math.round(fraction(24) + (height - down) / 2);
  const isWithin = left >= 0 && top >= 0 && across > 0 && down > 0 && left + across <= width && top + down <= height;
  if (!isWithin) throw new Error('the picture is cropped beyond its sides');
  return { left, top, width: across, height: down };
}

async function withAlpha(picture: Rgb, alpha: Rgb): Promise<Omit<HeifPicture, 'icc'>> {
  const { width, height, pixels } = picture;
  if (alpha.width !== width || alpha.height !== height) throw new Error('the transparency has another size');
  const raw = { width, height, channels: 3 } as const;
  const opacity = await sharp(alpha.pixels, { raw, limitInputPixels: false }).extractChannel(0).raw().toBuffer();
  const joined = sharp(pixels, { raw, limitInputPixels: false }).joinChannel(opacity, { raw: { ...raw, channels: 1 } });
  return { width, height, pixels: await joined.raw().toBuffer(), channels: 4 };
}
