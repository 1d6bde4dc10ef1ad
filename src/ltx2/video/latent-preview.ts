import { floatTensor, type HostTensor, hostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, type Session } from '../../graph/runtime/session.ts';
import { knownLength } from '../../graph/value.ts';
import { seededNormals } from '../sampling/noise.ts';
import { spatialStride } from '../sampling/positions.ts';
import { solveRidge } from './ridge-regression.ts';

/** A linear guess at the color of a latent position. */
export interface LatentPreview {
  /** `[C + 1, 3]`: channel → red, green, blue in −1…1; the last row is the constant term. */
  readonly projection: Float64Array;
}

/**
 * The preview of a checkpoint: a square of smooth noise latents is decoded once, and a linear map from latent to mean
 * color of its 32×32 pixels is fitted to the result. `decoder` is a session of the planar video decoder.
 */
export async function fitLatentPreview(decoder: Session): Promise<LatentPreview> {
  const [input] = decoder.model.inputs;
  if (input === undefined) throw new Error('the decoder has no input');
  const C = knownLength(input, 1);
  // More positions than unknowns (the penalty does the rest), and room for every position to have neighbors.
  const side = Math.max(8, Math.ceil(Math.sqrt(1.3 * (C + 1))));
  const probe = smoothNoise(C, side);
  const results = await decoder.run({ latent: floatTensor(probe, [1, C, 1, side, side]) });
  const colors = blockMeans(floats(results, 'video').data, side); // [side·side, 3]
  const samples = new Float64Array(side * side * (C + 1)).fill(1); // [side·side, C+1], last column 1
  for (let position = 0; position < side * side; position++) {
    for (let channel = 0; channel < C; channel++) {
      samples[position * (C + 1) + channel] = probe[channel * side * side + position] ?? 0;
    }
  }
  // Latents have unit variance, so the penalty weighs as much as a tenth of the samples.
  return { projection: solveRidge(samples, C + 1, colors, 3, (side * side) / 10) };
}

/** Small RGB frames `[f, h, w, 3]` of a normalized latent `[1, C, f, h, w]`, one per latent frame. */
export function previewFrames({ projection }: LatentPreview, latent: HostTensor<'float32'>): HostTensor<'uint8'> {
  const [, C = 0, f = 0, h = 0, w = 0] = latent.shape;
  const positions = f * h * w;
  const data = new Uint8ClampedArray(positions * 3);
  for (let position = 0; position < positions; position++) {
    for (let color = 0; color < 3; color++) {
      let value = projection[C * 3 + color] ?? 0;
      for (let channel = 0; channel < C; channel++) {
        value += (latent.data[channel * positions + position] ?? 0) * (projection[channel * 3 + color] ?? 0);
      }
      data[position * 3 + color] = ((value + 1) / 2) * 255;
    }
  }
  return hostTensor('uint8', new Uint8Array(data.buffer), [f, h, w, 3]);
}

/** `[C, side, side]` normals smoothed by (1 2 1) both ways and scaled back to unit variance, wrapping around. */
function smoothNoise(C: number, side: number): Float32Array {
  const noise = seededNormals(0, 0, C * side * side);
  const kernel = [1, 2, 1];
  // The squares of the nine weights sum to 36.
  const gain = 1 / 6;
  return noise.map((_, index) => {
    const [plane, row, column] = [Math.floor(index / side ** 2), Math.floor(index / side) % side, index % side];
    let sum = 0;
    for (const [down, vertical] of kernel.entries()) {
      for (const [across, horizontal] of kernel.entries()) {
        const y = (row + down - 1 + side) % side;
        const x = (column + across - 1 + side) % side;
        sum += vertical * horizontal * (noise[(plane * side + y) * side + x] ?? 0);
      }
    }
    return sum * gain;
  });
}

/** Mean color, each sample clamped to −1…1, of every 32×32 block of one frame `[3, 32·side, 32·side]`. */
function blockMeans(frame: Float32Array, side: number): Float64Array {
  const width = side * spatialStride;
  const means = new Float64Array(side * side * 3);
  for (const [index, value] of frame.entries()) {
    const color = Math.floor(index / width ** 2);
    const row = Math.floor(index / width) % width;
    const column = index % width;
    const block = Math.floor(row / spatialStride) * side + Math.floor(column / spatialStride);
    means[block * 3 + color] = (means[block * 3 + color] ?? 0) + Math.min(1, Math.max(-1, value)) / spatialStride ** 2;
  }
  return means;
}
