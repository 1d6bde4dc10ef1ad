import type { SoundFile } from './raw/sound-file.ts';

export const videoOutputTypes = ['X264 (.mp4)', 'VP9 (.webm)', 'PRORES4444 (.mov)', 'GIF (.gif)'] as const;
export type VideoOutputType = (typeof videoOutputTypes)[number];

/** How parts of films are kept: every frame comes back to the bit, and there is no sound. */
export const losslessVideo = 'FFV1 (.mkv)';
export type VideoFileType = VideoOutputType | typeof losslessVideo;

export const videoQualities = ['low', 'medium', 'high', 'maximum'] as const;
export type VideoQuality = (typeof videoQualities)[number];

export const videoWriteModes = ['fast', 'balanced', 'small'] as const;
export type VideoWriteMode = (typeof videoWriteModes)[number];

/** Sound that goes with the picture. It starts with the first frame and is cut at the end of the last. */
export type AudioSource =
  | {
      readonly source: 'file';
      /** Any file with an audio track. Copied where every player takes it, else encoded once (docs/encoding.md). */
      readonly path: string;
      /** Seconds to pass over; other than 0 the sound is always encoded again. Default 0. */
      readonly start?: number | undefined;
      /** Seconds of sound at most. Default: all of it. */
      readonly duration?: number | undefined;
    }
  /** The file needs to be there when the first frame is written. */
  | ({ readonly source: 'pcm' } & SoundFile);

export interface VideoEncoderSettings {
  /** Where the file goes. Until `finish` it is written beside, under a `.partial` name. */
  readonly path: string;
  readonly type: VideoFileType;
  readonly quality: VideoQuality;
  readonly writeMode: VideoWriteMode;
  /** Size of the frames written; H.264 delivers odd sides one pixel larger. */
  readonly width: number;
  readonly height: number;
  /** Frames per second; the file carries `fpsRational(fps)`. GIF caps it, by quality. */
  readonly fps: number;
  /** Ignored for GIF and FFV1, which have no sound. */
  readonly audio?: AudioSource | undefined;
}

export interface VideoFormat {
  readonly contentType: string;
  /** With the dot. */
  readonly extension: string;
  /** Whether both sides are even, odd ones made one pixel larger. */
  readonly hasEvenSides: boolean;
}

const videoFormats: Record<VideoFileType, VideoFormat> = {
  'X264 (.mp4)': { contentType: 'video/mp4', extension: '.mp4', hasEvenSides: true },
  'VP9 (.webm)': { contentType: 'video/webm', extension: '.webm', hasEvenSides: false },
  'PRORES4444 (.mov)': { contentType: 'video/quicktime', extension: '.mov', hasEvenSides: false },
  'GIF (.gif)': { contentType: 'image/gif', extension: '.gif', hasEvenSides: false },
  [losslessVideo]: { contentType: 'video/x-matroska', extension: '.mkv', hasEvenSides: false },
};

export function videoFormat(type: VideoFileType): VideoFormat {
  return videoFormats[type];
}
