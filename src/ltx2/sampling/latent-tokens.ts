import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import type { LatentSize } from './positions.ts';

/** Number of tokens of a latent. */
export function tokenCount({ frames, height, width }: LatentSize): number {
  return frames * height * width;
}

/** Latent `[1, C, F, h, w]` → tokens `[F·h·w, C]`: frames, then rows, then columns. */
export function patchifyLatent({ data, shape }: HostTensor<'float32'>): Float32Array {
  const channels = shape[1] ?? 0;
  return transposed(data, channels, data.length / channels);
}

/** Tokens `[F·h·w, C]` → latent `[1, C, F, h, w]`. */
export function unpatchifyLatent(tokens: Float32Array, size: LatentSize): HostTensor<'float32'> {
  const count = tokenCount(size);
  const channels = tokens.length / count;
  return floatTensor(transposed(tokens, count, channels), [1, channels, size.frames, size.height, size.width]);
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = data[row * columns + column] as number;
    }
  }
  return result;
}
