import { philoxBlock } from '../../sampling/noise.ts';

export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token always (greedy). */
  readonly temperature: number;
  /** Only the k likeliest tokens may be drawn; absent: all. */
  readonly topK?: number | undefined;
  /** Only the likeliest tokens that together reach this probability may be drawn; absent: all. */
  readonly topP?: number | undefined;
}

/** Philox stream of token draws, apart from the streams of the diffusion noise. */
const stream = 0x746f6b65;

/** The uniform number in [0, 1) that decides the `index`-th draw of a seed: first word of a Philox4x32-10 block. */
export function seededUniform(seed: number, index: number): number {
  return philoxBlock(index, seed, stream)[0] / 2 ** 32;
}

/**
 * Draws a token from `logits`: temperature, then top-k, then top-p, as transformers does. `uniform` in [0, 1) picks from
 * the remaining tokens in order of falling probability (equal ones by id).
 */
export function sampleToken(logits: Float32Array, { temperature, topK, topP = 1 }: Sampling, uniform: number): number {
  if (temperature === 0) return likeliest(logits);
  const candidates = topCandidates(logits, topK);
  const highest = logits[candidates[0] ?? 0] ?? 0;
  const weights = candidates.map((id) => Math.exp(((logits[id] ?? 0) - highest) / temperature));
  const kept = nucleus(weights, topP);
  let rest = uniform * sum(weights.slice(0, kept));
  for (let index = 0; index < kept - 1; index++) {
    rest -= weights[index] ?? 0;
    if (rest < 0) return candidates[index] ?? 0;
  }
  return candidates[kept - 1] ?? 0;
}

/** Id of the highest logit, the first of equals. */
function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) {
    if ((logits[id] as number) > (logits[best] as number)) best = id;
  }
  return best;
}

/** Ids by falling logit; with `k`, those not below the k-th logit. */
function topCandidates(logits: Float32Array, k = logits.length): number[] {
  const threshold = k < logits.length ? (logits.toSorted().at(-k) ?? 0) : Number.NEGATIVE_INFINITY;
  const ids: number[] = [];
  logits.forEach((logit, id) => {
    if (logit >= threshold) ids.push(id);
  });
  return ids.sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
}

/** How many of the falling `weights` it takes to reach the share `topP`; at least one. */
function nucleus(weights: readonly number[], topP: number): number {
  if (topP >= 1) return weights.length;
  const wanted = topP * sum(weights);
  let reached = 0;
  const last = weights.findIndex((weight) => {
    reached += weight;
    return reached >= wanted;
  });
  return last === -1 ? weights.length : last + 1;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
