import type { Graph } from '../../graph/graph.ts';
import { readStoredFloats } from '../../graph/stored-tensor-values.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import { type Checkpoint, storedTensor } from '../checkpoint.ts';
import { ModuleWeights } from '../module-weights.ts';

const prefix = 'vae.per_channel_statistics.';

/** Mean and standard deviation of every latent channel over the training set, `[C]` each. */
export interface LatentStatistics {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

export async function readLatentStatistics(checkpoint: Checkpoint): Promise<LatentStatistics> {
  const [mean, deviation] = await Promise.all(
    ['mean-of-means', 'std-of-means'].map((name) => readStoredFloats(storedTensor(checkpoint, `${prefix}${name}`))),
  );
  if (mean === undefined || deviation === undefined) throw new Error('unreachable');
  return { mean, deviation };
}

/** Latents as the transformer sees them, `[1, C, f, h, w]`: zero mean and unit variance per channel. */
export function normalizeLatent(g: Graph, z: Value, checkpoint: Checkpoint): Value {
  const { mean, deviation } = statistics(g, z, checkpoint);
  return g.divide(g.subtract(z, mean), deviation);
}

/** Latents as the autoencoder and the upsampler see them, `[1, C, f, h, w]`. */
export function denormalizeLatent(g: Graph, z: Value, checkpoint: Checkpoint): Value {
  const { mean, deviation } = statistics(g, z, checkpoint);
  return g.add(g.multiply(z, deviation), mean);
}

function statistics(g: Graph, z: Value, checkpoint: Checkpoint): { mean: Value; deviation: Value } {
  const weights = new ModuleWeights(g, checkpoint, prefix);
  const perChannel = [1, knownLength(z, 1), 1, 1, 1];
  return {
    mean: g.reshape(weights.parameter('mean-of-means'), perChannel),
    deviation: g.reshape(weights.parameter('std-of-means'), perChannel),
  };
}
