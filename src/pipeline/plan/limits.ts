/** Limits of the endpoint. */
export const frameLimits = { least: 9, most: 481 } as const;
export const sideLimits = { least: 64, most: 2048 } as const;
