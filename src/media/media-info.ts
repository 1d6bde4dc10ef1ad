/** An exact ratio, e.g. 24000/1001 frames per second. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

/** GIF counts time in hundredths of a second. */
export const gifTimeBase: Rational = { num: 1, den: 100 };

export interface AudioStreamInfo {
  /** FFmpeg's codec name, e.g. `aac`. */
  readonly codec: string;
  readonly sampleRate: number;
  readonly channels: number;
  /** Seconds of sound, from the packets themselves and without codec priming. */
  readonly duration: number;
}

export interface VideoStreamInfo {
  /** FFmpeg's codec name, e.g. `h264`. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  readonly fps: Rational;
  /** Pictures in the file, counted. */
  readonly frames: number;
  /** Seconds from the first picture to the end of the last. */
  readonly duration: number;
}

/** What a media file holds, measured by reading all of it. */
export interface MediaInfo {
  /** FFmpeg's container name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  /** Seconds, of the longer stream. */
  readonly duration: number;
  readonly fileSize: number;
  readonly audio: AudioStreamInfo | undefined;
  readonly video: VideoStreamInfo | undefined;
}
