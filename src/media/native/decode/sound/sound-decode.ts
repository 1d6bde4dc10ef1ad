import type { Frame } from 'node-av/lib';
import { openRawFile, type RawFile } from '../../../raw/raw-file.ts';
import { bytesPerSample, readSoundFile, type SoundFile, writeSoundFile } from '../../../raw/sound-file.ts';
import { preprocessConditioningAudio } from '../../../sound/conditioning-audio.ts';
import { toStereo } from '../../../sound/stereo.ts';
import { AudioFilter } from '../../audio-filter.ts';
import { waveformFrames } from '../../float-frames.ts';
import { usualRate } from '../../sample-rates.ts';
import { type AudioDecodeRequest, decodeAudio } from './audio-decode.ts';

export interface SoundDecodeRequest extends AudioDecodeRequest {
  /** Where the samples go. */
  readonly output: string;
}

export interface DecodedSound extends SoundFile {
  readonly channels: 2;
  /** Seconds of sound in the file. */
  readonly duration: number;
  /** The recording goes on after what was decoded. */
  readonly isCut: boolean;
}

/** Rates at which the model's own resampler and the loudness meter work well, and at which a clip is of moderate size. */
const [minRate, maxRate] = [8000, 48_000];

/**
 * Decodes a stretch of a recording to a stereo file, at its own rate where that is between 8 and 48 kHz. However many
 * channels there are, no more than a second of them is held at a time.
 */
export async function decodeSound(
  { output, ...request }: SoundDecodeRequest,
  signal: AbortSignal,
): Promise<DecodedSound> {
  await using file = await openRawFile(output);
  let converter: RateConverter | undefined;
  try {
    const { isCut } = await decodeAudio(
      request,
      async (block, { sampleRate, channels, channelMask }) => {
        converter ??= new RateConverter(sampleRate, file);
        await converter.add(toStereo(block, channels, channelMask));
      },
      signal,
    );
    // Whoever has no sound at all was refused by then.
    if (converter === undefined) throw new Error('a decoded recording has samples');
    await converter.flush();
    const { rate: sampleRate, samples } = converter;
    return { path: output, sampleRate, channels: 2, duration: samples / sampleRate, isCut };
  } finally {
    converter?.[Symbol.dispose]();
  }
}

/** Turns a decoded recording, in its place, into what conditions the model for a clip of so many seconds. */
export async function conditionSound(sound: SoundFile, seconds: number): Promise<void> {
  const { waveform, ...format } = await readSoundFile(sound, seconds);
  const conditioned = preprocessConditioningAudio(waveform, sound.sampleRate, { seconds });
  await writeSoundFile(sound.path, { ...format, waveform: conditioned });
}

/** Appends stereo sound to a file, at a rate between the lowest and the highest. */
class RateConverter implements Disposable {
  /** Of the file. */
  readonly rate: number;
  /** Written so far, of each channel. */
  samples = 0;
  readonly #sourceRate: number;
  readonly #file: RawFile;
  #filter: AudioFilter | undefined;

  constructor(sourceRate: number, file: RawFile) {
    this.#sourceRate = sourceRate;
    this.#file = file;
    this.rate = sourceRate >= minRate && sourceRate <= maxRate ? sourceRate : usualRate(sourceRate);
  }

  /** @param waveform `[2, samples]` */
  async add(waveform: Float32Array): Promise<void> {
    for await (const frame of waveformFrames({ waveform, sampleRate: this.#sourceRate, channels: 2 })) {
      if (this.rate === this.#sourceRate) {
        await this.#write(frame);
        continue;
      }
      this.#filter ??= await AudioFilter.open(
        frame,
        `aresample=${this.rate},aformat=sample_fmts=flt:channel_layouts=stereo`,
      );
      for await (const converted of this.#filter.add(frame)) await this.#write(converted);
    }
  }

  async flush(): Promise<void> {
    if (this.#filter === undefined) return;
    for await (const converted of this.#filter.flush()) await this.#write(converted);
  }

  [Symbol.dispose](): void {
    this.#filter?.[Symbol.dispose]();
  }

  async #write({ data, nbSamples }: Frame): Promise<void> {
    const [bytes] = data ?? [];
    if (bytes === undefined) throw new Error('a frame of sound without samples');
    await this.#file.append(bytes.subarray(0, nbSamples * 2 * bytesPerSample));
    this.samples += nbSamples;
  }
}
