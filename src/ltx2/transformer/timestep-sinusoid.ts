/** Width of the sinusoid that every timestep module starts from (fixed in the reference). */
export const sinusoidWidth = 256;

/**
 * Sinusoid of scaled timesteps, `[timesteps, 256]`, cosines first. All steps in float32 like the reference, which
 * matters because a timestep near 1000 loses bits in the product.
 */
export function timestepSinusoid(scaled: Float32Array): Float32Array {
  const half = sinusoidWidth / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp(Math.fround(-Math.log(10000) * i) / half));
  const table = new Float32Array(scaled.length * sinusoidWidth);
  scaled.forEach((timestep, row) => {
    frequencies.forEach((frequency, i) => {
      const angle = Math.fround(timestep * frequency);
      table[row * sinusoidWidth + i] = Math.cos(angle);
      table[row * sinusoidWidth + half + i] = Math.sin(angle);
    });
  });
  return table;
}

/** The distinct values among per-token timesteps, and for each token the index of its value. */
export interface DistinctTimesteps {
  readonly values: Float32Array;
  readonly index: readonly number[];
}

export function distinctTimesteps(timesteps: Float32Array): DistinctTimesteps {
  const positions = new Map<number, number>();
  const index = Array.from(timesteps, (timestep) => {
    const known = positions.get(timestep) ?? positions.size;
    positions.set(timestep, known);
    return known;
  });
  return { values: Float32Array.from(positions.keys()), index };
}
