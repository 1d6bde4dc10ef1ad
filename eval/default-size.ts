import { videoSizePresets } from '../src/contract/input/presets.ts';

/** What a request gets that names no size. Rows measure most clips small, and some at this size. */
export const defaultSize = videoSizePresets.landscape_4_3;

/** As findings name it. */
export const defaultSizeName = `${defaultSize.width}×${defaultSize.height}`;
