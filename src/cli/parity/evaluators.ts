import type { Evaluators } from './parity-case.ts';

/** How each module of the parity format is evaluated. */
export const evaluators: Evaluators = {};
