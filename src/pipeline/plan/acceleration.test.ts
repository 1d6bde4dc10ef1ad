import { expect, test } from 'vitest';
import { publishedSchedules, type Schedules } from '../../ltx2/sampling/schedule.ts';
import { elementAt } from '../../shared/element-at.ts';
import { accelerations, stepSchedules } from './acceleration.ts';

const short: Schedules = { first: [1, 0.909375, 0.725, 0.421875, 0], refinement: [0.421875, 0] };

/** Steps that run all blocks, by level and stage. */
function fullSteps(schedules: Schedules): number[][] {
  return accelerations.map((level) => {
    const { first, refinement } = stepSchedules(level, schedules);
    return [first, refinement].map(({ sigmas, reusedSteps }) => sigmas.length - 1 - reusedSteps.length);
  });
}

test.for([publishedSchedules, short])('no acceleration is the exact schedule', (schedules) => {
  const { first, refinement } = stepSchedules('none', schedules);
  expect(first).toEqual({ sigmas: schedules.first, reusedSteps: [] });
  expect(refinement).toEqual({ sigmas: schedules.refinement, reusedSteps: [] });
});

test('the levels of the published schedule are those that were measured', () => {
  expect(stepSchedules('regular', publishedSchedules).first.reusedSteps).toEqual([1, 2, 3]);
  expect(stepSchedules('high', publishedSchedules)).toEqual({
    first: { sigmas: publishedSchedules.first, reusedSteps: [1, 2, 3, 4] },
    refinement: { sigmas: [0.909375, 0.421875, 0], reusedSteps: [] },
  });
  expect(stepSchedules('full', publishedSchedules)).toEqual({
    first: { sigmas: [1, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0], reusedSteps: [1, 2, 3, 4] },
    refinement: { sigmas: [0.909375, 0], reusedSteps: [] },
  });
});

test('each level runs fewer full steps than the one before', () => {
  expect(fullSteps(publishedSchedules)).toEqual([
    [8, 3],
    [5, 3],
    [4, 2],
    [3, 1],
  ]);
});

test("levels build on the checkpoint's own schedule, as far as there is something to leave out", () => {
  expect(fullSteps(short)).toEqual([
    [4, 1],
    [4, 1],
    [4, 1],
    [3, 1],
  ]);
  expect(fullSteps({ first: [1, 0.5, 0], refinement: [0.6, 0.3, 0] })).toEqual([
    [2, 2],
    [2, 2],
    [2, 2],
    [2, 1],
  ]);
});

test.for(accelerations.flatMap((level) => [[level, publishedSchedules] as const, [level, short] as const]))(
  'level %s starts and ends where the schedule does and never replays an unrecorded step',
  ([level, schedules]) => {
    const made = stepSchedules(level, schedules);
    for (const stage of ['first', 'refinement'] as const) {
      const { sigmas, reusedSteps } = made[stage];
      expect(sigmas[0]).toBe(schedules[stage][0]);
      expect(sigmas.at(-1)).toBe(0);
      expect(sigmas.every((sigma) => schedules[stage].includes(sigma))).toBe(true);
      expect(sigmas).toEqual(sigmas.toSorted((a, b) => b - a));
      // Replay is sound only among the near-equal sigmas.
      expect(reusedSteps.every((step) => step > 0 && elementAt(sigmas, step) >= 0.975)).toBe(true);
    }
  },
);
