import { elementAt } from '../shared/element-at.ts';

/** A BMP of `[height, width, 3]` RGB, its rows from the bottom as usual; 24 bits a pixel, or 32 with this opacity. */
export function bitmap(width: number, height: number, rgb: Uint8Array, opacity?: number): Buffer {
  const bytesPerPixel = opacity === undefined ? 3 : 4;
  const stride = Math.ceil((width * bytesPerPixel) / 4) * 4;
  const header = Buffer.alloc(opacity === undefined ? 54 : 122);
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      const to = (height - 1 - y) * stride + x * bytesPerPixel;
      for (const [place, channel] of [2, 1, 0].entries()) pixels[to + place] = elementAt(rgb, from + channel);
      if (opacity !== undefined) pixels[to + 3] = opacity;
    }
  }
  header.write('BM', 'latin1');
  header.writeUInt32LE(header.length + pixels.length, 2);
  header.writeUInt32LE(header.length, 10);
  header.writeUInt32LE(header.length - 14, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bytesPerPixel * 8, 28);
  header.writeUInt32LE(pixels.length, 34);
  if (opacity !== undefined) {
    // Masks of red, green, blue and opacity.
    header.writeUInt32LE(3, 30);
    for (const [index, mask] of [0xff0000, 0xff00, 0xff, 0xff000000].entries())
      header.writeUInt32LE(mask, 54 + 4 * index);
  }
  return Buffer.concat([header, pixels]);
}
