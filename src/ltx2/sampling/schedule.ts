import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import { parseConfig } from '../config.ts';

/** Noise levels a checkpoint is sampled at: falling, the last one 0. A step goes from each to the next. */
export interface Schedules {
  /** Of the first stage, or the only one: from pure noise, 1. */
  readonly first: readonly number[];
  /** Of the refinement at full size, which begins by noising the enlarged latents to its first level. */
  readonly refinement: readonly number[];
}

/** Of the published distilled model (reference: DISTILLED_SIGMA_VALUES and STAGE_2_DISTILLED_SIGMA_VALUES). */
export const publishedSchedules: Schedules = Object.freeze({
  first: Object.freeze([1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0]),
  refinement: Object.freeze([0.909375, 0.725, 0.421875, 0.0]),
});

/**
 * The schedules a checkpoint was tuned for: `stage_1_sigmas` and `stage_2_sigmas` of its configuration's `scheduler`
 * section, or the published ones, which no published file names.
 *
 * @throws SoundstageError `weights` if they are no schedules
 */
export function schedulesOf(checkpoint: Checkpoint): Schedules {
  const section = (checkpoint.config as { scheduler?: unknown } | null | undefined)?.scheduler ?? {};
  const config = parseConfig('scheduler', section, checkpoint.path);
  return {
    first: config.stage_1_sigmas ?? publishedSchedules.first,
    refinement: config.stage_2_sigmas ?? publishedSchedules.refinement,
  };
}

/** The steps of one denoising stage. */
export interface StepSchedule {
  /** One more than there are steps; ends with 0. The first is also the scale of the noise. */
  readonly sigmas: readonly number[];
  /**
   * Steps that run the first block only and add what the other blocks added at the step before. The first five sigmas
   * of the published schedule lie within 2.5 % of each other, so that sum hardly changes between them.
   */
  readonly reusedSteps: readonly number[];
}
