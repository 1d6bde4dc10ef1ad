import { graphTargets } from '../../src/graph/graph-target.ts';
import { networkGraph } from '../../src/graph/network.ts';
import { openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { configOf } from '../../src/ltx2/config.ts';
import { schedulesOf } from '../../src/ltx2/sampling/schedule.ts';
import { videoDecoder } from '../../src/ltx2/video/video-decoder.ts';
import type { WeightSet } from '../../src/models/weight-folder.ts';
import type { Acceleration } from '../../src/pipeline/plan/acceleration.ts';
import { createPlan, type Plan } from '../../src/pipeline/plan/plan.ts';
import { benchmarkSettings } from '../benchmark-settings.ts';

/**
 * The plan of a clip on a GPU.
 *
 * @param size WIDTHxHEIGHTxFRAMES
 * @param deviceMemory bytes
 */
export async function gpuPlan(
  weights: WeightSet,
  size: string,
  deviceMemory: number,
  acceleration: Acceleration = 'none',
): Promise<Plan> {
  const bundle = await openCheckpoint(weights.bundle);
  const facts = {
    audioSeconds: 1,
    decoder: networkGraph(videoDecoder, graphTargets.cuda, bundle, configOf(bundle, 'vae')),
    schedules: schedulesOf(bundle),
  };
  return createPlan({ ...benchmarkSettings(size, 'cuda', { acceleration }), deviceMemory }, facts, weights).plan;
}
