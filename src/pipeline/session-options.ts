import type { SessionOptions } from '../graph/session.ts';

/** Opens fast; the transformer and the text encoder gain nothing from further fusion. */
export const transformerSession: SessionOptions = { optimization: 'basic' };

/** Convolutions gain from the runtime's fusions. */
export const convolutionSession: SessionOptions = { optimization: 'all' };
