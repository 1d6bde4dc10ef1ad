import type { Dimension } from '../../graph/dimension.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { exactInput, floatInput, type InputType } from '../../graph/network.ts';
import { cosine, multiply, sine } from '../../graph/operations/arithmetic.ts';
import type { RotaryTables } from '../../graph/operations/attention.ts';
import { cast, concat, expand, reshape } from '../../graph/operations/shapes.ts';
import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import type { SameNames } from '../../graph/tensor-group.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';

/** A network's input for rotary tables of so many positions and so many angles, which are half of what is rotated. */
export function rotaryInput(
  positions: Dimension,
  angles: number,
): { readonly cos: InputType; readonly sin: InputType } {
  return { cos: floatInput(positions, angles), sin: floatInput(positions, angles) };
}

/** Cosines and sines, `[positions, angles]`. */
export type RotaryFeed = { readonly cos: HostTensor<'float32'>; readonly sin: HostTensor<'float32'> };

interface RotaryBands {
  /** Rotary width over all heads. */
  readonly dim: number;
  /** Base of the frequency grid (`positional_embedding_theta`). */
  readonly theta: number;
}

interface RotaryOptions extends RotaryBands {
  /** Normalizer per position axis. */
  readonly maxPositions: readonly number[];
}

/** Inputs for the rotary tables of tokens with so many axes: their places where the target makes tables, or else the tables. */
export function tokenRotaryInput(target: GraphTarget, tokens: Dimension, angles: number, axes: number) {
  const table = target.makesTables ? undefined : floatInput(tokens, angles);
  return { cos: table, sin: table, places: target.makesTables ? exactInput(tokens, axes) : undefined };
}

/** What to feed for `tokenRotaryInput`; `midpoints` as `rotaryTables` takes them. */
export function tokenRotaryFeed(target: GraphTarget, midpoints: readonly Float32Array[], options: RotaryOptions) {
  if (!target.makesTables) return { ...rotaryTables(midpoints, options), places: undefined };
  const tokens = midpoints[0]?.length ?? 0;
  const places = Float32Array.from({ length: tokens * midpoints.length }, (_, at) => {
    const axis = at % midpoints.length;
    const position = midpoints[axis]?.[Math.floor(at / midpoints.length)] as number;
    return signedFraction(position, options.maxPositions[axis] as number);
  });
  return { cos: undefined, sin: undefined, places: floatTensor(places, [tokens, midpoints.length]) };
}

/** The tables that tokens are rotated with, `[tokens, dim/2]`. */
export function tokenRotaryTables(
  { cos, sin, places }: SameNames<ReturnType<typeof tokenRotaryInput>, Value>,
  bands: RotaryBands,
): RotaryTables {
  if (cos !== undefined && sin !== undefined) return { cos, sin };
  if (places === undefined) throw new Error('unreachable');
  const angles = tokenAngles(places, bands); // [tokens, dim/2]
  const { arithmetic } = places.graph.target;
  return { cos: cast(cosine(angles), arithmetic), sin: cast(sine(angles), arithmetic) };
}

/** What `rotaryTables` takes the cosine and the sine of, rounded alike, from places `[tokens, axes]`. */
function tokenAngles(places: Value, { dim, theta }: RotaryBands): Value {
  const { graph } = places;
  const [tokens, axes] = [axisLength(places, 0), knownLength(places, 1)];
  const frequencies = frequencyGrid(Math.floor(dim / (2 * axes)), theta);
  const perAxis = graph.constant([...frequencies], [frequencies.length, 1], 'float32');
  const angles = multiply(reshape(places, [tokens, 1, axes]), perAxis); // [tokens, frequencies, axes]
  const flat = reshape(angles, [tokens, frequencies.length * axes]); // [tokens, frequencies·axes]
  const padding = dim / 2 - frequencies.length * axes;
  if (padding === 0) return flat;
  return concat([expand(graph.constant([0], [1, 1], 'float32'), [tokens, padding]), flat], 1); // [tokens, dim/2]
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
