import { roundHalfToEven } from '../../round-half-to-even.ts';
import { type LatentSize, spatialStride, temporalStride } from '../../sampling/positions.ts';

/** How a decode is cut up, in output units. */
export interface DecodeTiling {
  /** Longer side of a tile in pixels; a multiple of 32, at least 64. */
  readonly tilePixels: number;
  /** Pixels shared by neighbors; a multiple of 32, at least 32 (a tile of one latent has no edge to reflect). */
  readonly overlapPixels: number;
  /** Frames of a tile; a multiple of 8, at least 16. */
  readonly tileFrames: number;
  /** Frames shared by neighbors; a multiple of 8. */
  readonly overlapFrames: number;
}

/** One tile along one axis. */
export interface AxisTile {
  /** First latent, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** First frame or pixel of the output, and the one after the last. */
  readonly outputStart: number;
  readonly outputEnd: number;
  /** Blending weight of each frame or pixel, not yet divided by the neighbors' sum. */
  readonly weights: Float32Array;
}

/** The tiles of a decode: every combination of one per axis. */
export interface DecodeTiles {
  readonly time: readonly AxisTile[];
  readonly height: readonly AxisTile[];
  readonly width: readonly AxisTile[];
}

/** The reference implementation's choice for this autoencoder: tiles of 512 pixels and 64 frames. */
export const defaultTiling: DecodeTiling = Object.freeze({
  tilePixels: 512,
  overlapPixels: 64,
  tileFrames: 64,
  overlapFrames: 24,
});

/**
 * The tiles the reference implementation decodes, with its blending ramps.
 *
 * @throws RangeError if the tiling is not made of whole latents or a tile has nothing but overlap
 */
export function decodeTiles(latent: LatentSize, tiling: DecodeTiling): DecodeTiles {
  checkTiling(tiling);
  const overlapFrames = tiling.overlapFrames / temporalStride;
  const overlap = tiling.overlapPixels / spatialStride;
  const longer = Math.max(latent.height, latent.width);
  const space = (length: number): AxisTile[] => {
    const share = roundHalfToEven(((tiling.tilePixels / spatialStride) * length) / longer);
    return split(length, Math.max(2, overlap + 1, share), overlap).map(pixelTile);
  };
  return {
    time: split(latent.frames, tiling.tileFrames / temporalStride, overlapFrames).map(frameTile),
    height: space(latent.height),
    width: space(latent.width),
  };
}

function checkTiling({ tilePixels, overlapPixels, tileFrames, overlapFrames }: DecodeTiling): void {
  const whole = [tilePixels, overlapPixels].every((pixels) => pixels >= 0 && pixels % spatialStride === 0);
  const wholeFrames = [tileFrames, overlapFrames].every((frames) => frames >= 0 && frames % temporalStride === 0);
  if (!whole || tilePixels < 64 || overlapPixels < spatialStride || overlapPixels >= tilePixels) {
    throw new RangeError(`tiles of ${tilePixels} px with ${overlapPixels} px of overlap cannot be decoded`);
  }
  if (!wholeFrames || tileFrames < 16 || overlapFrames >= tileFrames) {
    throw new RangeError(`tiles of ${tileFrames} frames with ${overlapFrames} frames of overlap cannot be decoded`);
  }
}

interface Interval {
  readonly start: number;
  readonly end: number;
  /** Latents shared with the neighbor before and behind. */
  readonly left: number;
  readonly right: number;
}

function split(length: number, size: number, overlap: number): Interval[] {
  if (length <= size) return [{ start: 0, end: length, left: 0, right: 0 }];
  const step = size - overlap;
  const count = Math.floor((length + size - 2 * overlap - 1) / step);
  return Array.from({ length: count }, (_, index) => {
    const isLast = index === count - 1;
    const start = index * step;
    const end = isLast ? length : start + size;
    return { start, end, left: index === 0 ? 0 : overlap, right: isLast ? 0 : overlap };
  });
}

/** Ramps of n pixels rise as i/(n+1), i = 1…n, and fall in reverse. */
function pixelTile({ start, end, left, right }: Interval): AxisTile {
  const [outputStart, outputEnd] = [start * spatialStride, end * spatialStride];
  const weights = new Float32Array(outputEnd - outputStart).fill(1);
  const [rising, falling] = [left * spatialStride, right * spatialStride];
  for (let i = 0; i < rising; i++) weights[i] = (i + 1) / (rising + 1);
  fall(weights, falling);
  return { start, end, outputStart, outputEnd, weights };
}

/**
 * A tile that is not the first decodes one more latent in front, because the first latent of a tile yields a single
 * frame; the ramp over its frames starts at 0 and is complementary to the fall of the tile before.
 */
function frameTile(interval: Interval): AxisTile {
  const { end, right } = interval;
  const isFirst = interval.start === 0;
  const start = isFirst ? interval.start : interval.start - 1;
  const left = isFirst ? 0 : interval.left + 1;
  const outputStart = start * temporalStride;
  const outputEnd = 1 + (end - 1) * temporalStride;
  const weights = new Float32Array(outputEnd - outputStart).fill(1);
  const rising = left === 0 ? 0 : 1 + (left - 1) * temporalStride;
  for (let i = 0; i < rising; i++) weights[i] = i / rising;
  fall(weights, right * temporalStride);
  return { start, end, outputStart, outputEnd, weights };
}

function fall(weights: Float32Array, length: number): void {
  for (let i = 1; i <= length; i++) {
    const at = weights.length - length + i - 1;
    weights[at] = (weights[at] ?? 0) * ((length + 1 - i) / (length + 1));
  }
}
