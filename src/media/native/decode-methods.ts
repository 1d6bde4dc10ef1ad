import type { MediaInfo } from '../media-info.ts';
import type { AudioDecodeRequest, AudioFormat } from './audio-decode.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What the decode process does. Large results travel as events, in pieces: cheaper than one message, and bounded. */
export type DecodeMethods = {
  readonly probe: { params: { path: string; field: string }; result: MediaInfo; event: never };
  /** Events: blocks of samples, `[channels, samples]`. */
  readonly audio: { params: AudioDecodeRequest; result: AudioFormat; event: Float32Array };
  /** Events: the picture's bytes, `[height, width, 3]`. */
  readonly image: {
    params: { path: string; field: string };
    result: PictureSize & { isCutOff: boolean };
    event: Uint8Array;
  };
  /** Events: the picture's bytes, `[height, width, 3]`. */
  readonly h264RoundTrip: {
    params: PictureSize & { rgb: Uint8Array; crf: number };
    result: PictureSize;
    event: Uint8Array;
  };
};
