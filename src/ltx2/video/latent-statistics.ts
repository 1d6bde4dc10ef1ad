import type { Graph } from '../../graph/graph.ts';
import { add, divide, multiply, subtract } from '../../graph/operations/arithmetic.ts';
import { reshape } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { ModuleWeights } from '../module-weights.ts';

const prefix = 'vae.per_channel_statistics.';

/** Latents as the transformer sees them, `[1, C, f, h, w]`: zero mean and unit variance per channel. */
export function normalizeLatent(g: Graph, z: Value, checkpoint: Checkpoint): Value {
  const { mean, deviation } = statistics(g, z, checkpoint);
  return divide(subtract(z, mean), deviation);
}

/** Latents as the autoencoder and the upsampler see them, `[1, C, f, h, w]`. */
export function denormalizeLatent(g: Graph, z: Value, checkpoint: Checkpoint): Value {
  const { mean, deviation } = statistics(g, z, checkpoint);
  return add(multiply(z, deviation), mean);
}

/** Mean and standard deviation of every channel over the training set, `[1, C, 1, 1, 1]`. */
function statistics(g: Graph, z: Value, checkpoint: Checkpoint): { mean: Value; deviation: Value } {
  const weights = new ModuleWeights(g, checkpoint, prefix);
  const perChannel = [1, knownLength(z, 1), 1, 1, 1];
  return {
    mean: reshape(weights.parameter('mean-of-means'), perChannel),
    deviation: reshape(weights.parameter('std-of-means'), perChannel),
  };
}
