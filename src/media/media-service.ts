import { SoundstageError } from '../shared/errors.ts';
import { Mutex } from '../shared/mutex.ts';
import type { MediaInfo } from './media-info.ts';
import type { DecodeMethods } from './native/decode/decode-methods.ts';
import type { DecodedSound } from './native/decode/sound/sound-decode.ts';
import type { StoredFramesRequest } from './native/decode/stored-frames.ts';
import { ChildLimitError, GuardedChild } from './process/guarded-child.ts';
import type { FramesFile } from './raw/frames-file.ts';
import type { PictureFile } from './raw/picture-file.ts';
import type { SoundFile } from './raw/sound-file.ts';
import type { SoundProfile } from './sound/sound-profile.ts';
import type { Waveform } from './sound/waveform.ts';
import { VideoEncoder } from './video-encoder.ts';
import type { VideoEncoderSettings } from './video-settings.ts';

export interface DecodedAudio extends Waveform {
  /** WAVE channel mask: bit 0 front left, bit 1 front right, bit 2 front center… For `toStereo`. */
  readonly channelMask: number;
  /** Seconds of sound in `waveform`. */
  readonly duration: number;
}

/** A picture from a file. */
export interface DecodedImage extends PictureFile {
  /** The file ended before the picture did, and the rest is blank or coarse. */
  readonly isCutOff: boolean;
}

export interface MediaCallOptions {
  /** Request field to blame for a bad file. */
  readonly field?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DecodeAudioOptions extends MediaCallOptions {
  /** Seconds to pass over. Default 0. */
  readonly start?: number | undefined;
  /** Seconds to decode at most. Default 600. */
  readonly maxSeconds?: number | undefined;
}

export interface DecodeToFileOptions extends MediaCallOptions {
  /** Where the samples or pixels go. The caller deletes it, also where decoding fails. */
  readonly output: string;
}

export interface DecodeSoundOptions extends DecodeToFileOptions {
  /** Seconds to pass over. Default 0. */
  readonly start?: number | undefined;
  /** Seconds to decode at most. */
  readonly maxSeconds: number;
}

export interface MediaServiceOptions {
  /** Milliseconds one decode may take. Default 60 000. */
  readonly decodeTimeLimit?: number;
  /** Bytes of memory the decode process may take. Default 2 GiB. */
  readonly decodeMemoryLimit?: number;
}

/** Milliseconds for a second of a recording. */
const listeningTimeLimit = 100;
/** 1 GiB of samples: 46 minutes of 48 kHz stereo. */
const maxSamples = 2 ** 28;

/**
 * Sound, pictures and video in and out. Files are decoded in one child process and every video is encoded in a child of
 * its own: whatever a file does to a decoder becomes an error of that one request. Dispose to end all processes.
 */
export class MediaService implements AsyncDisposable {
  readonly #decoder: GuardedChild<DecodeMethods>;
  /** One file at a time, so that a crash is the crash of one file. */
  readonly #mutex = new Mutex();
  readonly #timeLimit: number;
  readonly #encoders = new Set<VideoEncoder>();

  constructor({ decodeTimeLimit = 60_000, decodeMemoryLimit = 2 ** 31 }: MediaServiceOptions = {}) {
    this.#timeLimit = decodeTimeLimit;
    this.#decoder = new GuardedChild({
      module: new URL('./native/decode/decode-process.ts', import.meta.url),
      title: 'the media decoder',
      memoryLimit: decodeMemoryLimit,
    });
  }

  /** Process that decodes at the moment, if any. */
  get decoderPid(): number | undefined {
    return this.#decoder.pid;
  }

  /** Reads a sound or video file to its end and says what it holds. */
  probe(path: string, { field = 'media', signal }: MediaCallOptions = {}): Promise<MediaInfo> {
    return this.#read(field, () =>
      this.#decoder.call('probe', { path, field }, { timeLimit: this.#timeLimit, signal }),
    );
  }

  /**
   * Decodes the sound of any recording at its own rate and channel count. A file that holds clearly less
   * than it says is refused as cut off; other damage is passed over.
   *
   * @throws SoundstageError `input`: not a recording, no audio track, nothing decodable, too large.
   */
  decodeAudio(path: string, options: DecodeAudioOptions = {}): Promise<DecodedAudio> {
    const { field = 'audio', start = 0, maxSeconds = 600, signal } = options;
    return this.#read(field, async () => {
      const blocks: Float32Array[] = [];
      let samples = 0;
      const onEvent = (block: Float32Array): void => {
        samples += block.length;
        if (samples > maxSamples) throw tooManySamples(field);
        blocks.push(block);
      };
      const request = { path, field, start, maxSeconds };
      const format = await this.#decoder.call('audio', request, { timeLimit: this.#timeLimit, signal, onEvent });
      const waveform = joinBlocks(blocks, format.channels);
      return { ...format, waveform, duration: waveform.length / format.channels / format.sampleRate };
    });
  }

  /**
   * Decodes a stretch of any recording to a stereo file, its own rate kept where it is usual. What comes after is not
   * looked at.
   *
   * @throws SoundstageError `input` as `decodeAudio`, `device` when the disk is full.
   */
  decodeSound(
    path: string,
    { field = 'audio', signal, start = 0, maxSeconds, output }: DecodeSoundOptions,
  ): Promise<DecodedSound> {
    const request = { path, field, start, maxSeconds, output };
    return this.#read(field, () => this.#decoder.call('sound', request, { timeLimit: this.#timeLimit, signal }));
  }

  /**
   * How loud a recording is from moment to moment, and where notes and syllables begin.
   *
   * @param maxSeconds of which more is not listened to
   * @throws SoundstageError `input` as `decodeAudio`
   */
  profileSound(
    path: string,
    { field = 'audio', signal, maxSeconds }: MediaCallOptions & { readonly maxSeconds: number },
  ): Promise<SoundProfile> {
    const timeLimit = Math.max(this.#timeLimit, maxSeconds * listeningTimeLimit);
    return this.#read(field, () =>
      this.#decoder.call('soundProfile', { path, field, maxSeconds }, { timeLimit, signal }),
    );
  }

  /** Takes frames out of a video that was stored as `FFV1 (.mkv)`. */
  storedFrames(request: StoredFramesRequest, { signal }: Pick<MediaCallOptions, 'signal'> = {}): Promise<FramesFile> {
    return this.#mutex.run(() => this.#decoder.call('storedFrames', request, { timeLimit: this.#timeLimit, signal }));
  }

  /** Turns a decoded recording, in its place, into what conditions the model for a clip of so many seconds. */
  conditionSound(sound: SoundFile, seconds: number, { field = 'audio', signal }: MediaCallOptions = {}): Promise<void> {
    const { path, sampleRate, channels } = sound;
    const request = { sound: { path, sampleRate, channels }, seconds };
    return this.#read(field, () =>
      this.#decoder.call('conditionSound', request, { timeLimit: this.#timeLimit, signal }),
    );
  }

  /**
   * Decodes a png, jpeg, webp, avif, heic, gif (first frame), tiff or bmp file to sRGB: rotation and ICC profile applied,
   * transparency laid over white. A png, jpeg or gif that lacks its end is used, as browsers do.
   *
   * @throws SoundstageError `input`: not a picture, damaged, more than a quarter missing, more than 64 megapixels;
   *   `device` when the disk is full.
   */
  decodeImage(path: string, { field = 'image', signal, output }: DecodeToFileOptions): Promise<DecodedImage> {
    return this.#read(field, () =>
      this.#decoder.call('image', { path, field, output }, { timeLimit: this.#timeLimit, signal }),
    );
  }

  /**
   * Encodes a picture as one H.264 frame and decodes it again, which gives it the compression traces that the model saw
   * in training. Odd sides lose their last row or column.
   *
   * @param output where the new picture goes
   * @param crf Rate factor; 33 for LTX-2 19B.
   */
  h264RoundTrip(
    { path, width, height }: PictureFile,
    output: string,
    crf = 33,
    { signal }: Pick<MediaCallOptions, 'signal'> = {},
  ): Promise<PictureFile> {
    const request = { picture: { path, width, height }, output, crf };
    return this.#mutex.run(() => this.#decoder.call('h264RoundTrip', request, { timeLimit: this.#timeLimit, signal }));
  }

  /** Starts a video file. Finish or dispose the encoder; disposing the service aborts it. */
  async openEncoder(settings: VideoEncoderSettings, signal?: AbortSignal): Promise<VideoEncoder> {
    const encoder = new VideoEncoder(settings, { signal, onClose: (closed) => this.#encoders.delete(closed) });
    this.#encoders.add(encoder);
    await encoder.start();
    return encoder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#encoders].map((encoder) => encoder.abort()));
    await this.#decoder[Symbol.asyncDispose]();
  }

  /** Reads a file in the decode process; what kills the process twice is the file's fault. */
  #read<Result>(field: string, read: () => Promise<Result>): Promise<Result> {
    return this.#mutex.run(async () => {
      try {
        return await read().catch((error: unknown) => {
          if (this.#isCrash(error) && !(error instanceof ChildLimitError)) return read();
          throw error;
        });
      } catch (error) {
        throw this.#isCrash(error) ? fileFault(field, error) : error;
      }
    });
  }

  #isCrash(error: unknown): error is SoundstageError {
    return error instanceof SoundstageError && error.kind === 'crash' && !this.#decoder.disposed;
  }
}

function fileFault(field: string, error: SoundstageError): SoundstageError {
  const limit = error instanceof ChildLimitError ? error.limit : 'crash';
  const problem = {
    time: 'takes too long to decode: make it shorter or smaller',
    memory: 'takes too much memory to decode: make it shorter or smaller',
    crash: 'makes its decoder crash: export it again or in another format',
  }[limit];
  return new SoundstageError('input', `The ${field} file ${problem}.`, { field, cause: error });
}

function tooManySamples(field: string): SoundstageError {
  const message = `The ${field} file holds too much sound: cut it, or save it with fewer channels or a lower sample rate.`;
  return new SoundstageError('input', message, { field });
}

/** Joins blocks `[channels, n]` in time. */
function joinBlocks(blocks: readonly Float32Array[], channels: number): Float32Array {
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  const joined = new Float32Array(length);
  let offset = 0;
  for (const block of blocks) {
    const samples = block.length / channels;
    for (let channel = 0; channel < channels; channel++) {
      joined.set(block.subarray(channel * samples, (channel + 1) * samples), (channel * length) / channels + offset);
    }
    offset += samples;
  }
  return joined;
}
