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
 * Blends overlapping tiles, frame by frame. Blending weights are products over the axes and every combination of axis
 * tiles occurs, so the sum of weights is a product too: dividing each axis's weights by their sum beforehand gives the
 * weighted mean without a second buffer.
 *
 * Holds the tiles of one stretch of time and blends a frame only when it is taken, into one buffer that is used again:
 * touching new memory costs more than the arithmetic. Of the stretch before, only the sums of the shared frames are kept.
 */
export class FrameBlender {
  readonly #height: number;
  readonly #width: number;
  readonly #weights: ReadonlyMap<AxisTile, Float32Array>;
  readonly #scratch: Float32Array;
  /** Sums of frames that the next stretch of time shares. */
  #carried = new Map<number, Float32Array>();
  /** Tiles of the stretch of time under way. */
  #tiles: DecodedTile[] = [];

  constructor(tiles: DecodeTiles) {
    this.#height = tiles.height.at(-1)?.outputEnd ?? 0;
    this.#width = tiles.width.at(-1)?.outputEnd ?? 0;
    this.#weights = new Map([tiles.time, tiles.height, tiles.width].flatMap(normalizedWeights));
    this.#scratch = new Float32Array(channels * this.#height * this.#width);
  }

  /** Floats held: of tiles, of shared frames, and of the frame that is handed out. */
  get retainedFloats(): number {
    const held = this.#tiles.reduce((sum, { data }) => sum + data.length, this.#scratch.length);
    return held + this.#carried.size * this.#scratch.length;
  }

  /** Adds a tile; with the first of the next stretch of time, frames before it must have been taken. */
  add(tile: DecodedTile): void {
    const [current] = this.#tiles;
    if (current !== undefined && current.time !== tile.time) this.#carry(tile.time.outputStart, current.time.outputEnd);
    this.#tiles.push(tile);
  }

  /** Frame `index` of the clip, complete once every tile that covers it was added; valid until the next call. */
  take(index: number): PlanarFrame {
    const whole = this.#wholeFrame(index);
    if (whole !== undefined) return whole;
    const carried = this.#carried.get(index);
    this.#carried.delete(index);
    const sum = carried ?? this.#scratch.fill(0);
    if (!this.#addTiles(sum, index) && carried === undefined) throw new Error(`frame ${index} was not decoded`);
    return { data: sum, offset: 0, planeStride: this.#height * this.#width };
  }

  /** A frame that one tile holds all of is read from the tile. */
  #wholeFrame(index: number): PlanarFrame | undefined {
    const [tile, other] = this.#tiles;
    if (tile === undefined || other !== undefined || this.#carried.has(index)) return undefined;
    const { time, height, width, data } = tile;
    const frames = time.outputEnd - time.outputStart;
    const frame = index - time.outputStart;
    const isWhole = height.outputEnd === this.#height && width.outputEnd === this.#width;
    if (!isWhole || this.#axisWeights(time)[frame] !== 1) return undefined;
    const plane = this.#height * this.#width;
    return { data, offset: frame * plane, planeStride: frames * plane };
  }

  /** Sums up the frames from `start` to before `end`, and lets go of the tiles. */
  #carry(start: number, end: number): void {
    const carried = new Map<number, Float32Array>();
    for (let index = start; index < end; index++) {
      const sum = this.#carried.get(index) ?? new Float32Array(this.#scratch.length);
      this.#addTiles(sum, index);
      carried.set(index, sum);
    }
    this.#carried = carried;
    this.#tiles = [];
  }

  /** Whether any tile covers the frame. */
  #addTiles(sum: Float32Array, index: number): boolean {
    const covering = this.#tiles.filter(({ time }) => index >= time.outputStart && index < time.outputEnd);
    for (const tile of covering) {
      const frame = index - tile.time.outputStart;
      const weight = this.#axisWeights(tile.time)[frame] ?? 0;
      if (weight !== 0) this.#addFrame(sum, tile, frame, weight);
    }
    return covering.length > 0;
  }

  #addFrame(sum: Float32Array, { time, height, width, data }: DecodedTile, frame: number, weight: number): void {
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
