import type { VideoQuality, VideoWriteMode } from '../../../video-settings.ts';

export interface GifQuality {
  readonly colours: number;
  readonly maxFps: number;
  /** A palette for every frame instead of one for the clip. */
  readonly paletteEachFrame: boolean;
}

const qualities: Record<VideoQuality, GifQuality> = {
  low: { colours: 64, maxFps: 12, paletteEachFrame: false },
  medium: { colours: 128, maxFps: 15, paletteEachFrame: false },
  high: { colours: 256, maxFps: 25, paletteEachFrame: false },
  // Browsers slow down GIFs that ask for more than 50 frames a second.
  maximum: { colours: 256, maxFps: 50, paletteEachFrame: true },
};

/** Options of FFmpeg's `paletteuse`: the fainter the dither pattern, the smaller the file. All take the same time. */
const dithers: Record<VideoWriteMode, string> = {
  fast: 'dither=bayer:bayer_scale=3',
  balanced: 'dither=bayer:bayer_scale=5',
  small: 'dither=none:diff_mode=rectangle',
};

export function gifQuality(quality: VideoQuality): GifQuality {
  return qualities[quality];
}

export function gifDither(writeMode: VideoWriteMode): string {
  return dithers[writeMode];
}
