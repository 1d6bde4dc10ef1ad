import type { Retries } from '../../database/json-columns.ts';

export const noRetries: Retries = Object.freeze({ crashes: 0, interruptions: 0 });

/** Unless the caller wants it otherwise. */
export const usualRetries: Retries = Object.freeze({ crashes: 2, interruptions: 1 });

/**
 * Whatever the caller wants. After crashes, the ten attempts that the platform makes; but a request that two processes
 * died with has ended the work of everybody else twice, and is not let near a third.
 */
export const maxRetries: Retries = Object.freeze({ crashes: 9, interruptions: 1 });
