/** Noise levels of the distilled model's first stage (reference: DISTILLED_SIGMA_VALUES). */
export const stage1Sigmas: readonly number[] = Object.freeze([
  1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0,
]);

/** Noise levels of the refinement at full size (reference: STAGE_2_DISTILLED_SIGMA_VALUES). */
export const stage2Sigmas: readonly number[] = Object.freeze([0.909375, 0.725, 0.421875, 0.0]);
