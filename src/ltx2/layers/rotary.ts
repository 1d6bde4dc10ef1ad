import type { Dimension } from '../../graph/dimension.ts';
import { floatInput, type InputType } from '../../graph/network.ts';
import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';

/** A network's input for rotary tables of so many positions and so many angles, which are half of what is rotated. */
export function rotaryInput(
  positions: Dimension,
  angles: number,
): { readonly cos: InputType; readonly sin: InputType } {
  return { cos: floatInput(positions, angles), sin: floatInput(positions, angles) };
}

/** Cosines and sines, `[positions, angles]`. */
export type RotaryFeed = { readonly cos: HostTensor<'float32'>; readonly sin: HostTensor<'float32'> };

interface RotaryOptions {
  /** Rotary width over all heads. */
  readonly dim: number;
  /** Normalizer per position axis. */
  readonly maxPositions: readonly number[];
  /** Base of the frequency grid (`positional_embedding_theta`). */
  readonly theta: number;
}

/**
 * Rotary tables of the split layout, `[tokens, dim/2]`; the last axis reads as `[heads, headDim/2]`, each head with its
 * own band. The frequency grid is made in double precision; each later step is rounded to
 * float32, as the reference does, because angles reach 15,700 rad and their rounding is part of the result.
 *
 * @param midpoints one array of token positions per axis
 */
export function rotaryTables(midpoints: readonly Float32Array[], options: RotaryOptions): RotaryFeed {
  const { dim, maxPositions, theta } = options;
  const axes = midpoints.length;
  const half = dim / 2;
  const frequencies = frequencyGrid(Math.floor(dim / (2 * axes)), theta);
  const padding = half - frequencies.length * axes;
  const tokens = midpoints[0]?.length ?? 0;
  const cos = new Float32Array(tokens * half).fill(1);
  const sin = new Float32Array(tokens * half);
  midpoints.forEach((positions, axis) => {
    const rows = new Map<number, AngleRow>();
    for (let token = 0; token < tokens; token++) {
      const position = positions[token] as number;
      let row = rows.get(position);
      if (row === undefined) {
        row = angleRow(frequencies, signedFraction(position, maxPositions[axis] as number));
        rows.set(position, row);
      }
      // Frequency-major with axes innermost, behind the padding of angle zero.
      let at = token * half + padding + axis;
      for (let i = 0; i < frequencies.length; i++, at += axes) {
        cos[at] = row.cos[i] as number;
        sin[at] = row.sin[i] as number;
      }
    }
  });
  return { cos: floatTensor(cos, [tokens, half]), sin: floatTensor(sin, [tokens, half]) };
}

/** The middle of every token on one axis of its bounds, `[axes, tokens, 2]` flattened. */
export function axisMidpoints(bounds: Float32Array, tokens: number, axis: number): Float32Array {
  return Float32Array.from({ length: tokens }, (_, token) => {
    const at = (axis * tokens + token) * 2;
    return Math.fround((bounds[at] as number) + (bounds[at + 1] as number)) / 2;
  });
}

interface AngleRow {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

function frequencyGrid(count: number, theta: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (theta ** (i / (count - 1)) * Math.PI) / 2);
}

/** Position mapped to −1…1 over its range. */
function signedFraction(position: number, maxPosition: number): number {
  return Math.fround(2 * Math.fround(position / maxPosition) - 1);
}

function angleRow(frequencies: Float32Array, fraction: number): AngleRow {
  const angles = frequencies.map((frequency) => frequency * fraction);
  return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}
