import { type Dimension, evaluateDimension } from '../../../graph/dimension.ts';
import type { GraphModel } from '../../../graph/graph-model.ts';
import { type LatentSize, spatialStride, temporalStride } from '../../sampling/positions.ts';
import { type AxisTile, type DecodeTiling, decodeTiles, defaultTiling } from './decode-tiles.ts';

/** What the graph of a video decoder says of itself. */
export type DecoderGraph = Pick<GraphModel, 'flops' | 'activations'>;

/** Floating point operations of one untiled decode. */
export function decoderFlops({ flops }: DecoderGraph, latent: LatentSize): number {
  return sizeFor(flops, latent);
}

/** Operations of a tiled decode, overlaps counted as often as they are computed. */
export function tiledDecoderFlops(decoder: DecoderGraph, latent: LatentSize, tiling: DecodeTiling): number {
  return tileSizes(latent, tiling).reduce((sum, { count, ...tile }) => sum + count * decoderFlops(decoder, tile), 0);
}

/**
 * Bytes a float32 decode takes at its peak, weights aside: the runtime's activations for the largest tile, that tile's
 * output, and the sums of the frames in flight.
 */
export function estimateDecodeMemory(decoder: DecoderGraph, latent: LatentSize, tiling: DecodeTiling): number {
  const { time, height, width } = decodeTiles(latent, tiling);
  const isOneTile = time.length * height.length * width.length === 1;
  const framePixels = outputLength(height) * outputLength(width);
  const sums = isOneTile ? 0 : 3 * framePixels * Math.max(...time.map((tile) => tile.outputEnd - tile.outputStart));
  return bytesPerFloat * (liveActivations * widestActivation(decoder, latent, tiling) + sums);
}

/**
 * The tiling of a decode. Without a limit on memory the reference implementation's; with one, the tiles with the least
 * work (large ones: overlaps are computed twice) among those that fit, overlapping as in the reference.
 */
export function chooseTiling(decoder: DecoderGraph, latent: LatentSize, memoryBytes?: number): DecodeTiling {
  if (memoryBytes === undefined) return defaultTiling;
  const pixels = lengthsToTry(128, Math.max(latent.height, latent.width) * spatialStride, spatialStride);
  const frames = lengthsToTry(32, latent.frames * temporalStride, temporalStride);
  const candidates = pixels
    .flatMap((tilePixels) => frames.map((tileFrames): DecodeTiling => ({ ...defaultTiling, tilePixels, tileFrames })))
    .filter((tiling) => widestActivation(decoder, latent, tiling) < indexLimit)
    .map((tiling) => ({
      tiling,
      flops: tiledDecoderFlops(decoder, latent, tiling),
      bytes: estimateDecodeMemory(decoder, latent, tiling),
    }));
  const fitting = candidates.filter(({ bytes }) => bytes <= memoryBytes).sort((a, b) => a.flops - b.flops);
  const smallest = candidates.sort((a, b) => a.bytes - b.bytes)[0];
  return (fitting[0] ?? smallest)?.tiling ?? defaultTiling;
}

/** Kernels count elements in 32-bit integers. */
const indexLimit = 2 ** 31;

/** Lengths to try: `first`, each about a quarter more than the last in multiples of `unit`, and one that covers `whole`. */
function lengthsToTry(first: number, whole: number, unit: number): number[] {
  const lengths: number[] = [];
  for (let length = first; length < whole; length = unit * Math.ceil((length * 1.25) / unit)) lengths.push(length);
  return [...lengths, Math.max(first, whole)];
}

/** The tile that takes the most memory. */
export function largestTile(latent: LatentSize, tiling: DecodeTiling): LatentSize {
  const elements = ({ frames, height, width }: LatentSize): number => frames * height * width;
  return tileSizes(latent, tiling).reduce((max, tile) => (elements(tile) > elements(max) ? tile : max));
}

const bytesPerFloat = 4;

/**
 * Copies of the widest activation alive at once: residual, activated, padded in time, padded in space, result, the
 * runtime's allocator and the copied output. Measured on the CPU: 6 to 8 at widths from 16 to 64.
 */
const liveActivations = 7;

/** Elements of the largest activation of the largest tile. */
function widestActivation({ activations }: DecoderGraph, latent: LatentSize, tiling: DecodeTiling): number {
  const elements = tileSizes(latent, tiling).flatMap((tile) => activations.map((each) => sizeFor(each, tile)));
  return elements.reduce((widest, each) => Math.max(widest, each), 0);
}

/** What a length of the decoder's graph is for a latent. */
function sizeFor(dimension: Dimension, { frames, height, width }: LatentSize): number {
  const size = evaluateDimension(dimension, new Map(Object.entries({ f: frames, h: height, w: width })));
  if (size === undefined) throw new Error(`a latent's size does not determine ${dimension}`);
  return size;
}

/** The sizes of tiles, most of which are alike, with the number of each. */
function tileSizes(latent: LatentSize, tiling: DecodeTiling): readonly (LatentSize & { readonly count: number })[] {
  const { time, height, width } = decodeTiles(latent, tiling);
  const [frames, rows, columns] = [tileLengths(time), tileLengths(height), tileLengths(width)];
  return frames.flatMap((f) =>
    rows.flatMap((h) =>
      columns.map((w) => ({ frames: f.length, height: h.length, width: w.length, count: f.count * h.count * w.count })),
    ),
  );
}

/** The lengths of tiles along one axis, with the number of each. */
function tileLengths(axis: readonly AxisTile[]): readonly { readonly length: number; readonly count: number }[] {
  const groups = Map.groupBy(axis, ({ start, end }) => end - start);
  return [...groups].map(([length, { length: count }]) => ({ length, count }));
}

function outputLength(axis: readonly AxisTile[]): number {
  return axis.at(-1)?.outputEnd ?? 0;
}
