import { floatTensor, type HostTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, type Session } from '../../../graph/runtime/session.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { requireFinite } from '../../finite.ts';
import { type AxisTile, type DecodeTiles, type DecodeTiling, decodeTiles, defaultTiling } from './decode-tiles.ts';
import { FrameBlender, type PlanarFrame } from './frame-blender.ts';
import { type Crop, writeRgb24 } from './rgb-frames.ts';

export interface TileProgress {
  /** Tiles decoded so far, and in all. */
  readonly done: number;
  readonly total: number;
  /** Floats held for blending. */
  readonly retainedFloats: number;
}

export interface DecodeOptions {
  readonly tiling?: DecodeTiling | undefined;
  /** Part of the frames to deliver. Default: all of them. */
  readonly crop?: Crop | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Awaited before the next tile. */
  readonly onTile?: ((progress: TileProgress) => void | Promise<void>) | undefined;
}

/** Bytes handed out at a time, at most, unless one frame is larger: larger pieces travel between processes more slowly. */
const chunkBytes = 2 ** 20;

/**
 * Decodes a normalized latent `[1, C, f, h, w]` tile by tile with a session of the planar video decoder, and yields RGB24
 * frames `[k, H, W, 3]` in order, each chunk in a buffer of its own.
 *
 * Memory does not grow with the length of the clip: besides the network's own it holds the tiles of one stretch of time
 * (`tileFrames · 3 · H · W` floats and their overlaps in space), the frames it shares with the next, and one chunk of
 * bytes.
 *
 * @throws SoundstageError `cancelled` between two tiles once `signal` is aborted; NotFiniteError
 */
export async function* decodeFrames(
  decoder: Session,
  latent: HostTensor<'float32'>,
  options: DecodeOptions = {},
): AsyncGenerator<Uint8Array> {
  const tiles = tilesOf(latent, options.tiling);
  const [frameCount, frameHeight, frameWidth] = [tiles.time, tiles.height, tiles.width].map(
    (axis) => axis.at(-1)?.outputEnd ?? 0,
  ) as [number, number, number];
  const crop = options.crop ?? { top: 0, left: 0, height: frameHeight, width: frameWidth };
  checkCrop(crop, frameHeight, frameWidth);
  const frameBytes = crop.height * crop.width * 3;
  const chunkFrames = Math.max(1, Math.floor(chunkBytes / frameBytes));
  let [chunk, filled, delivered] = [new Uint8Array(0), 0, 0];
  for await (const frame of blendedFrames(decoder, latent, tiles, options)) {
    if (filled === 0) chunk = new Uint8Array(Math.min(chunkFrames, frameCount - delivered) * frameBytes);
    writeRgb24(chunk, filled, frame, frameWidth, crop);
    filled += frameBytes;
    delivered++;
    if (filled < chunk.length) continue;
    filled = 0;
    yield chunk;
  }
}

/** The tiles of a latent `[1, C, f, h, w]`. */
export function tilesOf(latent: Pick<HostTensor, 'shape'>, tiling: DecodeTiling = defaultTiling): DecodeTiles {
  const [, , frames = 0, height = 0, width = 0] = latent.shape;
  return decodeTiles({ frames, height, width }, tiling);
}

/** The blended frames in order, as floats; each is valid until the next is asked for. */
export async function* blendedFrames(
  decoder: Session,
  latent: HostTensor<'float32'>,
  tiles: DecodeTiles,
  { signal, onTile }: Pick<DecodeOptions, 'signal' | 'onTile'> = {},
): AsyncGenerator<PlanarFrame> {
  const blender = new FrameBlender(tiles);
  const total = tiles.time.length * tiles.height.length * tiles.width.length;
  let done = 0;
  for (const [index, time] of tiles.time.entries()) {
    for (const height of tiles.height) {
      for (const width of tiles.width) {
        await throwIfCancelled(signal);
        const results = await decoder.run({ latent: cut(latent, time, height, width) });
        const { data } = floats(results, 'video');
        requireFinite(data, 'the decoded frames');
        blender.add({ time, height, width, data });
        done++;
        await onTile?.({ done, total, retainedFloats: blender.retainedFloats });
      }
    }
    const end = tiles.time[index + 1]?.outputStart ?? time.outputEnd;
    for (let frame = time.outputStart; frame < end; frame++) yield blender.take(frame);
  }
}

/** A tile of the latent, copied. */
function cut(latent: HostTensor<'float32'>, time: AxisTile, height: AxisTile, width: AxisTile): HostTensor<'float32'> {
  const [, C = 0, f = 0, h = 0, w = 0] = latent.shape;
  const size = [time, height, width].map(({ start, end }) => end - start) as [number, number, number];
  const [frames, rows, columns] = size;
  const part = new Float32Array(C * frames * rows * columns);
  let to = 0;
  for (let channel = 0; channel < C; channel++) {
    for (let frame = time.start; frame < time.end; frame++) {
      for (let row = height.start; row < height.end; row++) {
        const from = ((channel * f + frame) * h + row) * w + width.start;
        part.set(latent.data.subarray(from, from + columns), to);
        to += columns;
      }
    }
  }
  return floatTensor(part, [1, C, ...size]);
}

function checkCrop({ top, left, height, width }: Crop, frameHeight: number, frameWidth: number): void {
  const inside = top >= 0 && left >= 0 && top + height <= frameHeight && left + width <= frameWidth;
  if (inside && height > 0 && width > 0) return;
  throw new RangeError(`a crop of ${width}×${height} at ${left},${top} leaves the ${frameWidth}×${frameHeight} frame`);
}
