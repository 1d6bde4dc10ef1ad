import type { AxisTile, DecodeTiles } from './decode-tiles.ts';

/** One RGB frame inside a larger float32 array: three planes, rows in order. */
export interface PlanarFrame {
  readonly data: Float32Array;
  /** Index of the first red sample. */
  readonly offset: number;
  /** Distance between the planes of two channels. */
  readonly planeStride: number;
}

/** One decoded tile and where it belongs. */
export interface DecodedTile {
  readonly time: AxisTile;
  readonly height: AxisTile;
  readonly width: AxisTile;
  /** `[3, frames, height, width]` of the tile. */
  readonly data: Float32Array;
}

const channels = 3;

/**
 * Adds up overlapping tiles, frame by frame. Blending weights are products over the axes and every combination of axis
 * tiles occurs, so the sum of weights is a product too: dividing each axis's weights by their sum beforehand gives the
 * weighted mean without a second buffer.
 *
 * Holds sums only for frames between the first not yet taken and the last that was added to, and reuses their memory.
 */
export class FrameBlender {
  readonly #height: number;
  readonly #width: number;
  readonly #weights: ReadonlyMap<AxisTile, Float32Array>;
  readonly #undivided: boolean;
  /** First frame of the next tile in time: the frames before it are taken before that tile comes. */
  readonly #next: ReadonlyMap<AxisTile, number>;
  readonly #sums = new Map<number, Float32Array>();
  readonly #spare: Float32Array[] = [];
  #whole: DecodedTile | undefined;

  constructor(tiles: DecodeTiles) {
    this.#height = tiles.height.at(-1)?.outputEnd ?? 0;
    this.#width = tiles.width.at(-1)?.outputEnd ?? 0;
    this.#undivided = tiles.height.length === 1 && tiles.width.length === 1;
    this.#next = new Map(tiles.time.map((tile, at) => [tile, tiles.time[at + 1]?.outputStart ?? tile.outputEnd]));
    this.#weights = new Map([tiles.time, tiles.height, tiles.width].flatMap(normalizedWeights));
  }

  /** Floats held in sums, in use or spare. */
  get retainedFloats(): number {
    return (this.#sums.size + this.#spare.length) * channels * this.#height * this.#width;
  }

  add(tile: DecodedTile): void {
    const weights = this.#axisWeights(tile.time);
    this.#whole = this.#undivided ? tile : undefined;
    const next = this.#next.get(tile.time) ?? 0;
    for (let frame = 0; frame < weights.length; frame++) {
      const weight = weights[frame] ?? 0;
      const isAlone = weight === 1 && this.#undivided && tile.time.outputStart + frame < next;
      // A frame made from this tile alone is read from the tile.
      if (weight === 0 || isAlone) continue;
      this.#addFrame(tile, frame, weight);
    }
  }

  /** Frame `index` of the clip, complete once every tile that covers it was added; valid until the next call. */
  take(index: number): PlanarFrame {
    const sum = this.#sums.get(index);
    if (sum !== undefined) {
      this.#sums.delete(index);
      this.#spare.push(sum);
      return { data: sum, offset: 0, planeStride: this.#height * this.#width };
    }
    if (this.#whole === undefined) throw new Error(`frame ${index} was not decoded`);
    const { time, data } = this.#whole;
    const plane = this.#height * this.#width;
    const frames = time.outputEnd - time.outputStart;
    return { data, offset: (index - time.outputStart) * plane, planeStride: frames * plane };
  }

  #addFrame({ time, height, width, data }: DecodedTile, frame: number, weight: number): void {
    const sum = this.#sum(time.outputStart + frame);
    const [rows, columns] = [this.#axisWeights(height), this.#axisWeights(width)];
    const alone = aloneRange(columns);
    const frames = time.outputEnd - time.outputStart;
    for (let channel = 0; channel < channels; channel++) {
      for (let row = 0; row < rows.length; row++) {
        const from = ((channel * frames + frame) * rows.length + row) * columns.length;
        const to = (channel * this.#height + height.outputStart + row) * this.#width + width.outputStart;
        addRow(sum, to, data, from, columns, weight * (rows[row] ?? 0), alone);
      }
    }
  }

  #sum(index: number): Float32Array {
    const known = this.#sums.get(index);
    if (known !== undefined) return known;
    const sum = this.#spare.pop()?.fill(0) ?? new Float32Array(channels * this.#height * this.#width);
    this.#sums.set(index, sum);
    return sum;
  }

  #axisWeights(tile: AxisTile): Float32Array {
    const weights = this.#weights.get(tile);
    if (weights === undefined) throw new Error('the tile belongs to another tiling');
    return weights;
  }
}

/** Where a tile is the only one: its weight is exactly 1 from the first to before the second index. */
function aloneRange(weights: Float32Array): readonly [number, number] {
  const start = weights.indexOf(1);
  return start === -1 ? [0, 0] : [start, weights.lastIndexOf(1) + 1];
}

function addRow(
  sum: Float32Array,
  to: number,
  data: Float32Array,
  from: number,
  columns: Float32Array,
  weight: number,
  [start, end]: readonly [number, number],
): void {
  const isCopied = weight === 1 && end > start;
  const add = (first: number, last: number): void => {
    for (let x = first; x < last; x++) {
      sum[to + x] = (sum[to + x] as number) + (data[from + x] as number) * ((columns[x] as number) * weight);
    }
  };
  add(0, isCopied ? start : columns.length);
  if (!isCopied) return;
  sum.set(data.subarray(from + start, from + end), to + start);
  add(end, columns.length);
}

/** Each tile's weights divided by the sum over all tiles of the axis (at least 1e-8, as in the reference). */
function normalizedWeights(tiles: readonly AxisTile[]): [AxisTile, Float32Array][] {
  const sums = new Float64Array(tiles.at(-1)?.outputEnd ?? 0);
  for (const { outputStart, weights } of tiles) {
    for (const [index, weight] of weights.entries())
      sums[outputStart + index] = (sums[outputStart + index] ?? 0) + weight;
  }
  return tiles.map((tile) => {
    const normalize = (weight: number, index: number): number =>
      weight / Math.max(sums[tile.outputStart + index] ?? 0, 1e-8);
    return [tile, tile.weights.map(normalize)];
  });
}
