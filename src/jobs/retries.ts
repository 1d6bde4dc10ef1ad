/** How often a request is tried again. */
export interface Retries {
  /** After crashes of the engine. */
  readonly crashes: number;
  /** After workers that stopped while they had it. */
  readonly interruptions: number;
}

export const noRetries: Retries = Object.freeze({ crashes: 0, interruptions: 0 });

/** Unless the caller wants it otherwise: workers hardly ever stop because of a request. */
export const usualRetries: Retries = Object.freeze({ crashes: 2, interruptions: 20 });

/** Whatever the caller wants; after crashes, the ten attempts that the platform makes. */
export const mostRetries: Retries = Object.freeze({ crashes: 9, interruptions: 20 });
