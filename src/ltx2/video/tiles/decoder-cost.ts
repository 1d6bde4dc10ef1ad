import { SoundstageError } from '../../../shared/errors.ts';
import type { VideoVaeConfig } from '../../config.ts';
import { type LatentSize, spatialStride, temporalStride } from '../../sampling/positions.ts';
import { type AxisTile, type DecodeTiling, decodeTiles, defaultTiling } from './decode-tiles.ts';

/** One 3×3×3 convolution of the decoder and the number of positions it is evaluated at. */
interface DecoderConvolution {
  readonly from: number;
  readonly to: number;
  readonly positions: number;
}

/** Floating point operations of one untiled decode: twice the multiplications of its convolutions. */
export function decoderFlops(config: VideoVaeConfig, latent: LatentSize): number {
  const taps = 27;
  return decoderConvolutions(config, latent).reduce(
    (sum, { from, to, positions }) => sum + 2 * taps * from * to * positions,
    0,
  );
}

/** Operations of a tiled decode, overlaps counted as often as they are computed. */
export function tiledDecoderFlops(config: VideoVaeConfig, latent: LatentSize, tiling: DecodeTiling): number {
  return tileSizes(latent, tiling).reduce((sum, tile) => sum + decoderFlops(config, tile), 0);
}

/**
 * Bytes a float32 decode takes at its peak, weights aside: the runtime's activations for the largest tile, that tile's
 * output, and the sums of the frames in flight.
 */
export function estimateDecodeMemory(config: VideoVaeConfig, latent: LatentSize, tiling: DecodeTiling): number {
  const { time, height, width } = decodeTiles(latent, tiling);
  const isOneTile = time.length * height.length * width.length === 1;
  const framePixels = outputLength(height) * outputLength(width);
  const sums = isOneTile ? 0 : 3 * framePixels * Math.max(...time.map((tile) => tile.outputEnd - tile.outputStart));
  return bytesPerFloat * (liveActivations * widestActivation(config, latent, tiling) + sums);
}

/**
 * The tiling of a decode. Without a limit on memory the reference implementation's; with one, the tiles with the least
 * work (large ones: overlaps are computed twice) among those that fit, overlapping as in the reference.
 */
export function chooseTiling(config: VideoVaeConfig, latent: LatentSize, memoryBytes?: number): DecodeTiling {
  if (memoryBytes === undefined) return defaultTiling;
  const pixels = tileLengths(128, Math.max(latent.height, latent.width) * spatialStride, spatialStride);
  const frames = tileLengths(32, latent.frames * temporalStride, temporalStride);
  const candidates = pixels
    .flatMap((tilePixels) => frames.map((tileFrames): DecodeTiling => ({ ...defaultTiling, tilePixels, tileFrames })))
    .filter((tiling) => widestActivation(config, latent, tiling) < indexLimit)
    .map((tiling) => ({
      tiling,
      flops: tiledDecoderFlops(config, latent, tiling),
      bytes: estimateDecodeMemory(config, latent, tiling),
    }));
  const fitting = candidates.filter(({ bytes }) => bytes <= memoryBytes).sort((a, b) => a.flops - b.flops);
  const smallest = candidates.sort((a, b) => a.bytes - b.bytes)[0];
  return (fitting[0] ?? smallest)?.tiling ?? defaultTiling;
}

/** Kernels count elements in 32-bit integers. */
const indexLimit = 2 ** 31;

/** Lengths to try: `first`, each about a quarter more than the last in multiples of `unit`, and one that covers `whole`. */
function tileLengths(first: number, whole: number, unit: number): number[] {
  const lengths: number[] = [];
  for (let length = first; length < whole; length = unit * Math.ceil((length * 1.25) / unit)) lengths.push(length);
  return [...lengths, Math.max(first, whole)];
}

const bytesPerFloat = 4;

/**
 * Copies of the widest activation alive at once: residual, activated, padded in time, padded in space, result, the
 * runtime's allocator and the copied output. Measured on the CPU: 6 to 8 at widths from 16 to 64.
 */
const liveActivations = 7;

function decoderConvolutions(config: VideoVaeConfig, { frames, height, width }: LatentSize): DecoderConvolution[] {
  const blocks = config.decoder_blocks.toReversed();
  const doublings = blocks.filter(([kind]) => kind === 'compress_all').length;
  let channels = config.decoder_base_channels * 2 ** doublings;
  let [T, H, W] = [frames, height, width];
  const convolutions: DecoderConvolution[] = [];
  const convolve = (from: number, to: number): void => {
    convolutions.push({ from, to, positions: T * H * W });
  };
  convolve(config.latent_channels, channels);
  for (const [kind, { num_layers = 1, multiplier = 2 }] of blocks) {
    if (kind === 'res_x') {
      for (let layer = 0; layer < 2 * num_layers; layer++) convolve(channels, channels);
    } else if (kind === 'compress_all') {
      convolve(channels, (8 * channels) / multiplier);
      channels /= multiplier;
      [T, H, W] = [2 * T - 1, 2 * H, 2 * W];
    } else {
      throw new SoundstageError('weights', `the video decoder block "${kind}" is not supported`);
    }
  }
  convolve(channels, 3 * config.patch_size ** 2);
  return convolutions;
}

/** Elements of the largest activation of the largest tile. */
function widestActivation(config: VideoVaeConfig, latent: LatentSize, tiling: DecodeTiling): number {
  const widest = tileSizes(latent, tiling).flatMap((tile) =>
    decoderConvolutions(config, tile).map(({ from, to, positions }) => Math.max(from, to) * positions),
  );
  return widest.reduce((most, elements) => Math.max(most, elements), 0);
}

function tileSizes(latent: LatentSize, tiling: DecodeTiling): LatentSize[] {
  const { time, height, width } = decodeTiles(latent, tiling);
  const length = ({ start, end }: AxisTile): number => end - start;
  return time.flatMap((t) =>
    height.flatMap((h) => width.map((w) => ({ frames: length(t), height: length(h), width: length(w) }))),
  );
}

function outputLength(axis: readonly AxisTile[]): number {
  return axis.at(-1)?.outputEnd ?? 0;
}
