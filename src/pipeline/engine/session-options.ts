import type { SessionOptions } from '../../graph/runtime/session.ts';

/** The transformer runs as fast with all fusions (measured), but opens more slowly at full size. */
export const transformerSession: SessionOptions = { optimization: 'basic' };

/** A few percent faster than `basic` at most, and opens as fast. */
export const convolutionSession: SessionOptions = { optimization: 'all' };

/** Networks of sound are small, and take a fifth to a quarter less time with weights that the runtime may lay out as it likes. */
export const soundSession: SessionOptions = { optimization: 'all', weights: 'resident' };
