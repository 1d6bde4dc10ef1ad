import { expect, test } from 'vitest';
import { stage1Sigmas, stage2Sigmas } from '../ltx2/schedule.ts';
import { accelerations, stepSchedules } from './acceleration.ts';

/** Steps that run all blocks. */
const fullSteps = accelerations.map((level) => {
  const { first, refinement } = stepSchedules(level);
  return [first, refinement].map(({ sigmas, reusedSteps }) => sigmas.length - 1 - reusedSteps.length);
});

test('no acceleration is the exact schedule', () => {
  const { first, refinement } = stepSchedules('none');
  expect(first).toEqual({ sigmas: stage1Sigmas, reusedSteps: [] });
  expect(refinement).toEqual({ sigmas: stage2Sigmas, reusedSteps: [] });
});

test('each level runs fewer full steps than the one before', () => {
  expect(fullSteps).toEqual([
    [8, 3],
    [5, 3],
    [4, 2],
    [3, 1],
  ]);
});

test.for(accelerations)(
  'level %s starts and ends where the schedule does and never replays an unrecorded step',
  (level) => {
    for (const [{ sigmas, reusedSteps }, exact] of [
      [stepSchedules(level).first, stage1Sigmas],
      [stepSchedules(level).refinement, stage2Sigmas],
    ] as const) {
      expect(sigmas[0]).toBe(exact[0]);
      expect(sigmas.at(-1)).toBe(0);
      expect(sigmas.every((sigma) => exact.includes(sigma))).toBe(true);
      expect(sigmas).toEqual(sigmas.toSorted((a, b) => b - a));
      // Replay is sound only among the near-equal sigmas.
      expect(reusedSteps.every((step) => step > 0 && (sigmas[step] ?? 0) >= 0.975)).toBe(true);
    }
  },
);
