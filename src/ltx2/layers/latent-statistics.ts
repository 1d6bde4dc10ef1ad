import { add, divide, multiply, subtract } from '../../graph/operations/arithmetic.ts';
import { reshape } from '../../graph/operations/shapes.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';

/** Mean and standard deviation of an autoencoder's latents over its training set. */
interface LatentStatistics {
  readonly mean: Value;
  readonly deviation: Value;
}

/** Statistics of the autoencoder `weights`, in a `shape` that broadcasts over its latents. */
export function latentStatistics(weights: ModuleWeights, shape: readonly number[]): LatentStatistics {
  const stored = weights.at('per_channel_statistics');
  return {
    mean: reshape(stored.parameter('mean-of-means'), shape),
    deviation: reshape(stored.parameter('std-of-means'), shape),
  };
}

/** Latents as the autoencoder has them → as the transformer has them: mean 0 and deviation 1. */
export function normalizeLatent(latent: Value, { mean, deviation }: LatentStatistics): Value {
  return divide(subtract(latent, mean), deviation);
}

/** The inverse of `normalizeLatent`. */
export function denormalizeLatent(latent: Value, { mean, deviation }: LatentStatistics): Value {
  return add(multiply(latent, deviation), mean);
}
