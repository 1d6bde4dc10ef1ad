/** Limits of the endpoint. */
export const frameLimits = { min: 9, max: 481 } as const;
export const sideLimits = { min: 64, max: 2048 } as const;
