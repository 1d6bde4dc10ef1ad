import { add, divide, multiply, subtract } from '../../graph/operations/arithmetic.ts';
import { reshape } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';

/** Latents as the autoencoder has them → as the transformer has them: `[1, z, T, M]`, mean 0 and deviation 1. */
export function normalizeLatent(latent: Value, weights: ModuleWeights): Value {
  const { mean, deviation } = latentStatistics(latent, weights);
  return divide(subtract(latent, mean), deviation);
}

/** The inverse of `normalizeLatent`. */
export function denormalizeLatent(latent: Value, weights: ModuleWeights): Value {
  const { mean, deviation } = latentStatistics(latent, weights);
  return add(multiply(latent, deviation), mean);
}

/** Stored per token entry `c·M + m`: `[z·M]` → `[z, 1, M]`. */
function latentStatistics(latent: Value, weights: ModuleWeights): { mean: Value; deviation: Value } {
  const shape = [knownLength(latent, 1), 1, knownLength(latent, 3)];
  const statistics = weights.at('per_channel_statistics');
  return {
    mean: reshape(statistics.parameter('mean-of-means'), shape),
    deviation: reshape(statistics.parameter('std-of-means'), shape),
  };
}
