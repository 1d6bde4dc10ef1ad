import type { Schedules, StepSchedule } from '../../ltx2/sampling/schedule.ts';

export const accelerations = ['none', 'regular', 'high', 'full'] as const;
export type Acceleration = (typeof accelerations)[number];

/** Steps from sigmas up here differ little from the first, which starts from pure noise. */
const nearlyNoise = 0.975;

/** The steps of each level, made from the checkpoint's own schedules; a short schedule leaves little to save. */
export function stepSchedules(
  level: Acceleration,
  { first, refinement }: Schedules,
): { readonly first: StepSchedule; readonly refinement: StepSchedule } {
  const replayed = nearEqualSteps(first);
  switch (level) {
    case 'none':
      return { first: exact(first), refinement: exact(refinement) };
    case 'regular':
      return { first: { sigmas: first, reusedSteps: replayed.slice(0, -1) }, refinement: exact(refinement) };
    case 'high':
      return { first: { sigmas: first, reusedSteps: replayed }, refinement: exact(withoutSecond(refinement)) };
    case 'full':
      return {
        first: { sigmas: withLastStepsJoined(first), reusedSteps: replayed },
        refinement: exact(refinement.filter((sigma, at) => at === 0 || sigma === 0)),
      };
  }
}

function exact(sigmas: readonly number[]): StepSchedule {
  return { sigmas, reusedSteps: [] };
}

/** Those that follow the first step from nearly the same sigma. */
function nearEqualSteps(sigmas: readonly number[]): number[] {
  return sigmas.flatMap((sigma, step) => (step > 0 && sigma >= nearlyNoise ? [step] : []));
}

/** One step less, where there are three or more: the second sigma is skipped. */
function withoutSecond(sigmas: readonly number[]): readonly number[] {
  return sigmas.length > 3 ? sigmas.toSpliced(1, 1) : sigmas;
}

/** The last two steps as one, where there are three or more. */
function withLastStepsJoined(sigmas: readonly number[]): readonly number[] {
  return sigmas.length > 3 ? sigmas.toSpliced(-2, 1) : sigmas;
}
