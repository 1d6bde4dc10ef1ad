import { audioLatentSeconds } from '../audio/audio-latents.ts';

/** Pixels per latent row and column, and frames per latent frame after the first (the video VAE's strides). */
export const spatialStride = 32;
export const temporalStride = 8;

/** Size of a video latent. */
export interface LatentSize {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** An image appended as tokens at a point in time, after the ordinary video tokens. */
export interface Keyframe {
  /** Index of the frame the image stands for. */
  readonly frameIndex: number;
  /** Frames the image covers: 1 in the reference since 2026-04-23. */
  readonly frames: number;
}

/** Where tokens are: start and end of each on every axis, `[axes, tokens, 2]` flattened. */
export interface TokenPositions {
  readonly tokens: number;
  readonly bounds: Float32Array;
}

/**
 * Video tokens on three axes: 0 time in seconds, 1 rows and 2 columns in pixels of the current stage. Tokens run over
 * frames, then rows, then columns; those of the keyframes follow.
 */
export function videoPositions(size: LatentSize, fps: number, keyframes: readonly Keyframe[] = []): TokenPositions {
  const perFrame = size.height * size.width;
  const tokens = (size.frames + keyframes.length) * perFrame;
  const bounds = new Float32Array(3 * tokens * 2);
  const put = (axis: number, token: number, start: number, end: number): void => {
    bounds[(axis * tokens + token) * 2] = start;
    bounds[(axis * tokens + token) * 2 + 1] = end;
  };
  for (let token = 0; token < tokens; token++) {
    const frame = Math.floor(token / perFrame);
    const [start, end] =
      frame < size.frames ? latentFrameBounds(frame) : keyframeBounds(keyframes[frame - size.frames]);
    put(0, token, start / fps, end / fps);
    const row = Math.floor((token % perFrame) / size.width);
    put(1, token, row * spatialStride, (row + 1) * spatialStride);
    const column = token % size.width;
    put(2, token, column * spatialStride, (column + 1) * spatialStride);
  }
  return { tokens, bounds };
}

/** Audio tokens in seconds: 0 … 0.01, 0.01 … 0.05, 0.05 … 0.09, … */
export function audioPositions(tokens: number): TokenPositions {
  const bounds = Float32Array.from({ length: tokens * 2 }, (_, at) => audioLatentSeconds((at >> 1) + (at & 1)));
  return { tokens, bounds };
}

/** Frames a latent frame covers, `[0,1] [1,9] [9,17] …`: the first latent frame stands for one frame alone. */
function latentFrameBounds(latent: number): readonly [number, number] {
  const start = (index: number): number => Math.max(0, index * temporalStride + 1 - temporalStride);
  return [start(latent), start(latent + 1)];
}

function keyframeBounds(keyframe: Keyframe | undefined): readonly [number, number] {
  if (keyframe === undefined) throw new Error('a keyframe has as many tokens as a frame');
  return [keyframe.frameIndex, keyframe.frameIndex + keyframe.frames];
}
