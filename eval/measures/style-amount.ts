import type { Footage, Picture } from '../footage.ts';
import { spacedFrames } from '../footage.ts';
import { mean } from './motion/series.ts';
import { chroma, luma, pixelAt } from './pixels.ts';

/** Lines of less than this share of a picture are not counted as drawn. */
const minLines = 0.01;

/** How much a clip looks drawn in ink, 0…1: colorless paper, with dark lines on it. */
export function inkAmount(footage: Footage): number {
  return amount(footage, (picture) => {
    let [paper, lines, total] = [0, 0, 0];
    for (let index = 0; index < picture.width * picture.height; index++, total++) {
      const pixel = pixelAt(picture, index);
      if (chroma(pixel) > 0.15) continue;
      if (luma(pixel) > 0.85) paper++;
      else if (luma(pixel) < 0.4) lines++;
    }
    return (paper / total) * Math.min(1, lines / total / minLines);
  });
}

/** How much a clip looks drawn in neon, 0…1: dark nearly everywhere, with bright lines in it. */
export function neonAmount(footage: Footage): number {
  return amount(footage, (picture) => {
    let [dark, bright, total] = [0, 0, 0];
    for (let index = 0; index < picture.width * picture.height; index++, total++) {
      const strongest = Math.max(...pixelAt(picture, index));
      if (strongest < 0.35) dark++;
      else if (strongest > 0.6) bright++;
    }
    return (dark / total) * Math.min(1, bright / total / minLines);
  });
}

function amount(footage: Footage, measure: (picture: Picture) => number): number {
  return mean(spacedFrames(footage, Math.min(5, footage.frames.length)).map(measure));
}
