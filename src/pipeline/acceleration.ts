import { stage1Sigmas, stage2Sigmas } from '../ltx2/schedule.ts';

export const accelerations = ['none', 'regular', 'high', 'full'] as const;
export type Acceleration = (typeof accelerations)[number];

/** The steps of one denoising stage. */
export interface StepSchedule {
  readonly sigmas: readonly number[];
  /**
   * Steps that run the first block only and add what the other blocks added at the step before. The first five sigmas
   * of the distilled schedule lie within 2.5 % of each other, so that sum hardly changes between them.
   */
  readonly reusedSteps: readonly number[];
}

/** The schedules of each level: of the first stage (or the only one), and of the refinement. */
export function stepSchedules(level: Acceleration): {
  readonly first: StepSchedule;
  readonly refinement: StepSchedule;
} {
  return levels[level];
}

const levels: Readonly<Record<Acceleration, { first: StepSchedule; refinement: StepSchedule }>> = Object.freeze({
  none: { first: exact(stage1Sigmas), refinement: exact(stage2Sigmas) },
  // Three of the four near-equal steps that follow the first are replayed.
  regular: { first: { sigmas: stage1Sigmas, reusedSteps: [1, 2, 3] }, refinement: exact(stage2Sigmas) },
  // All four are, and the refinement takes two steps, skipping the middle sigma.
  high: { first: { sigmas: stage1Sigmas, reusedSteps: [1, 2, 3, 4] }, refinement: exact([0.909375, 0.421875, 0]) },
  // The last two steps of the first stage become one as well, and the refinement is a single step.
  full: {
    first: { sigmas: [1, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0], reusedSteps: [1, 2, 3, 4] },
    refinement: exact([0.909375, 0]),
  },
});

function exact(sigmas: readonly number[]): StepSchedule {
  return { sigmas, reusedSteps: [] };
}
