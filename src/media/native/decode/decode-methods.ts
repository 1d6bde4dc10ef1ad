import type { MediaInfo } from '../../media-info.ts';
import type { FramesFile } from '../../raw/frames-file.ts';
import type { PictureFile } from '../../raw/picture-file.ts';
import type { SoundFile } from '../../raw/sound-file.ts';
import type { SoundProfile } from '../../sound/sound-profile.ts';
import type { AudioDecodeRequest, AudioFormat } from './sound/audio-decode.ts';
import type { SoundProfileRequest } from './sound/profile-sound.ts';
import type { DecodedSound, SoundDecodeRequest } from './sound/sound-decode.ts';
import type { StoredFramesRequest } from './stored-frames.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What the decode process does. What is decoded goes into files, so that it does not pass through the parent. */
export type DecodeMethods = {
  readonly probe: { params: { path: string; field: string }; result: MediaInfo; event: never };
  /** Events: blocks of samples, `[channels, samples]`. */
  readonly audio: { params: AudioDecodeRequest; result: AudioFormat; event: Float32Array };
  readonly soundProfile: { params: SoundProfileRequest; result: SoundProfile; event: never };
  readonly sound: { params: SoundDecodeRequest; result: DecodedSound; event: never };
  /** Turns a decoded recording, in its place, into what conditions the model. */
  readonly conditionSound: { params: { sound: SoundFile; seconds: number }; result: undefined; event: never };
  readonly image: {
    params: { path: string; field: string; output: string };
    result: PictureFile & { isCutOff: boolean };
    event: never;
  };
  readonly storedFrames: { params: StoredFramesRequest; result: FramesFile; event: never };
  readonly h264RoundTrip: {
    params: { picture: PictureFile; crf: number; output: string };
    result: PictureFile;
    event: never;
  };
};
