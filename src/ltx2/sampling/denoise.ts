/** Tokens of one stream `[tokens, channels]`, flattened. */
export interface TokenState {
  readonly channels: number;
  /** Known content where `mask` < 1. */
  readonly clean: Float32Array;
  /** Per token: 1 denoises fully, 0 keeps `clean`. */
  readonly mask: Float32Array;
}

/**
 * Starting point of a stage: `(1−m)·clean + m·((1−s)·initial + s·noise)` with m the token's mask and s the noise
 * scale. This is the reference's form since 2026-06-17.
 */
export function addNoise(state: TokenState, initial: Float32Array, noise: Float32Array, scale: number): Float32Array {
  const { channels, clean, mask } = state;
  const level = Math.fround(scale);
  return mapTokens(channels, mask, (at, m) => {
    const mixed = (1 - level) * (initial[at] as number) + level * (noise[at] as number);
    return (1 - m) * (clean[at] as number) + m * mixed;
  });
}

/** The older form `noise·(m·s) + initial·(1−m·s)`; `initial` holds the clean tokens where the mask is below 1. */
export function addNoiseLegacy(
  { channels, mask }: Omit<TokenState, 'clean'>,
  initial: Float32Array,
  noise: Float32Array,
  scale: number,
): Float32Array {
  return mapTokens(channels, mask, (at, m) => {
    const level = Math.fround(m * Math.fround(scale));
    return (noise[at] as number) * level + (initial[at] as number) * (1 - level);
  });
}

/** Timesteps per token: mask·sigma, float32. */
export function tokenTimesteps(mask: Float32Array, sigma: number): Float32Array {
  const level = Math.fround(sigma);
  return mask.map((m) => m * level);
}

/** What the velocity says the clean tokens are: `x0`, and `blended` with the known content. */
export interface CleanEstimate {
  readonly x0: Float32Array;
  readonly blended: Float32Array;
}

export function estimateClean(
  state: TokenState,
  x: Float32Array,
  velocity: Float32Array,
  sigma: number,
): CleanEstimate {
  const { channels, clean, mask } = state;
  const timesteps = tokenTimesteps(mask, sigma);
  const x0 = mapTokens(channels, timesteps, (at, t) => (x[at] as number) - Math.fround((velocity[at] as number) * t));
  const blended = mapTokens(channels, mask, (at, m) => (x0[at] as number) * m + (clean[at] as number) * (1 - m));
  return { x0, blended };
}

/** One Euler step towards `target` (the blended estimate): both sigmas are the scalar schedule values. */
export function eulerStep(x: Float32Array, target: Float32Array, sigma: number, nextSigma: number): Float32Array {
  const level = Math.fround(sigma);
  const change = Math.fround(Math.fround(nextSigma) - level);
  return x.map((value, at) => {
    const direction = Math.fround(Math.fround(value - (target[at] as number)) / level);
    return value + Math.fround(direction * change);
  });
}

function mapTokens(
  channels: number,
  perToken: Float32Array,
  element: (at: number, tokenValue: number) => number,
): Float32Array {
  const result = new Float32Array(perToken.length * channels);
  perToken.forEach((value, token) => {
    const end = (token + 1) * channels;
    for (let at = token * channels; at < end; at++) result[at] = element(at, value);
  });
  return result;
}
