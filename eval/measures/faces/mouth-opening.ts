import type { Footage, Picture } from '../../footage.ts';
import { pixelAt, pixelsIn } from '../pixels.ts';

/** Where the mouths of all speakers are, swaying included. */
const around = { left: -0.28, right: 0.28, top: -0.02, bottom: 0.44 };

/** How far a speaker's mouth is open in each frame: its dark inside, as a share of the picture. */
export function mouthOpening({ frames }: Footage): number[] {
  return frames.map(darkMouth);
}

function darkMouth(picture: Picture): number {
  let sum = 0;
  for (const index of pixelsIn(picture, around)) {
    const [red, green] = pixelAt(picture, index);
    // Dark in green keeps out lips, skin and beards, red keeps out black.
    sum += ramp(0.26 - green, 0.16) * ramp(red - green - 0.16, 0.12);
  }
  return sum / (picture.width * picture.height);
}

function ramp(value: number, width: number): number {
  return Math.min(1, Math.max(0, value / width));
}
