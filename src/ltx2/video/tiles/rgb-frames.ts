import type { PlanarFrame } from './frame-blender.ts';

/** A rectangle of pixels. */
export interface Crop {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Writes the crop of a planar frame of `frameWidth` columns as RGB24 at `position` of `target`:
 * trunc(clamp((x+1)/2, 0, 1)·255) in float32 arithmetic, as the reference does.
 */
export function writeRgb24(
  target: Uint8Array,
  position: number,
  frame: PlanarFrame,
  frameWidth: number,
  { top, left, height, width }: Crop,
): void {
  const { data, offset, planeStride } = frame;
  for (let row = 0; row < height; row++) {
    const red = offset + (top + row) * frameWidth + left;
    const green = red + planeStride;
    const blue = green + planeStride;
    let to = position + row * width * 3;
    for (let x = 0; x < width; x++) {
      target[to] = toByte(data[red + x] as number);
      target[to + 1] = toByte(data[green + x] as number);
      target[to + 2] = toByte(data[blue + x] as number);
      to += 3;
    }
  }
}

function toByte(sample: number): number {
  const unit = Math.fround(sample + 1) * 0.5;
  return unit <= 0 ? 0 : unit >= 1 ? 255 : Math.fround(unit * 255) | 0;
}
