import sharp from 'sharp';
import type { Picture } from './footage.ts';
import type { Sheet } from './row.ts';

const maxBytes = 120_000;
const gap = 4;

/** A png of pictures in rows, each as high as fits into 120 kB; a quarter of large ones, else a blur would look sharp. */
export async function contactSheet(sheet: Sheet): Promise<Buffer> {
  const highest = Math.max(...sheet.flat().map((picture) => picture.height));
  for (let height = Math.max(112, Math.round(highest / 4)); ; height = Math.floor(height * 0.85)) {
    const png = await drawSheet(sheet, height);
    if (png.length <= maxBytes || height < 24) return png;
  }
}

async function drawSheet(sheet: Sheet, height: number): Promise<Buffer> {
  const tiles: { input: Buffer; left: number; top: number }[] = [];
  let [width, top] = [1, 0];
  for (const row of sheet) {
    let left = 0;
    for (const picture of row) {
      const tileWidth = Math.round((picture.width / picture.height) * height);
      tiles.push({ input: await tile(picture, tileWidth, height), left, top });
      left += tileWidth + gap;
    }
    width = Math.max(width, left - gap);
    top += height + gap;
  }
  const background = { r: 255, g: 255, b: 255 };
  const canvas = sharp({ create: { width, height: Math.max(1, top - gap), channels: 3, background } });
  return canvas.composite(tiles).png({ palette: true, colors: 128, effort: 8 }).toBuffer();
}

function tile({ rgb, width, height }: Picture, tileWidth: number, tileHeight: number): Promise<Buffer> {
  const picture = sharp(rgb, { raw: { width, height, channels: 3 } });
  return picture.resize(tileWidth, tileHeight, { fit: 'fill' }).png().toBuffer();
}
