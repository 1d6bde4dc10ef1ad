export const videoSizePresetNames = [
  'square_hd',
  'square',
  'portrait_4_3',
  'portrait_16_9',
  'landscape_4_3',
  'landscape_16_9',
] as const;

export type VideoSizePreset = (typeof videoSizePresetNames)[number];

/** Sizes by preset name (the platform's published image sizes). */
export const videoSizePresets: Readonly<Record<VideoSizePreset, { readonly width: number; readonly height: number }>> =
  {
    square_hd: { width: 1024, height: 1024 },
    square: { width: 512, height: 512 },
    portrait_4_3: { width: 768, height: 1024 },
    portrait_16_9: { width: 576, height: 1024 },
    landscape_4_3: { width: 1024, height: 768 },
    landscape_16_9: { width: 1024, height: 576 },
  };
