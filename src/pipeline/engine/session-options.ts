import type { SessionOptions } from '../../graph/runtime/session.ts';

/** The transformer runs as fast with all fusions (measured), but opens more slowly at full size. */
export const transformerSession: SessionOptions = { optimization: 'basic' };

/** A few percent faster than `basic` at most, and opens as fast. */
export const convolutionSession: SessionOptions = { optimization: 'all' };
