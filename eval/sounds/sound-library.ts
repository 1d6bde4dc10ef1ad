import { join } from 'node:path';
import type { MediaService } from '../../src/media/media-service.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import { loudnessPerFrame } from '../measures/motion/loudness.ts';
import { deviation } from '../measures/motion/series.ts';
import { SeededRandom } from '../seeded-random.ts';
import { monoSound } from './mono-sound.ts';
import { canSpeak, speakTo } from './spoken-sentences.ts';
import { synthesize, syntheticKinds } from './synthetic-sounds.ts';
import { writeWav } from './wav-file.ts';

/** A recording for a clip. */
export interface Sound {
  readonly path: string;
  /** `hello`, `speech` or a synthetic kind. */
  readonly kind: string;
  /** One channel at 16 kHz. */
  readonly samples: Float32Array;
}

/** The form of a clip, as far as its sound has to fit. */
export interface ClipLength {
  readonly frames: number;
  readonly fps: number;
}

/** Less than this is no rhythm that anything could follow. */
const minDeviation = 0.15;

const hello = join(import.meta.dirname, '../../examples/hello.wav');

/** Sounds by number, kept in a folder: speech where this machine can speak, and synthetic ones. */
export class SoundLibrary {
  readonly #folder: string;
  readonly #media: MediaService;
  #speaks: Promise<boolean> | undefined;

  constructor(folder: string, media: MediaService) {
    this.#folder = folder;
    this.#media = media;
  }

  /** The recording of the examples. */
  async hello(): Promise<Sound> {
    return { path: hello, kind: 'hello', samples: await monoSound(this.#media, hello) };
  }

  /** Sound number `index` with enough loud and quiet in it for a clip; equal numbers and lengths give equal sounds. */
  async sound(index: number, { frames, fps }: ClipLength): Promise<Sound> {
    this.#speaks ??= canSpeak();
    const kinds = (await this.#speaks) ? ['speech', ...syntheticKinds] : syntheticKinds;
    const kind = elementAt(kinds, index % kinds.length);
    const seconds = frames / fps + 0.1;
    const path = join(this.#folder, `sound-${index}-${frames}-${fps}.wav`);
    for (let take = 0; ; take++) {
      const samples = await this.#make(kind, path, seconds, new SeededRandom(1000 * index + take));
      if (take === 20 || deviation(loudnessPerFrame(samples, frames, fps)) > minDeviation)
        return { path, kind, samples };
    }
  }

  async #make(kind: string, path: string, seconds: number, random: SeededRandom): Promise<Float32Array> {
    const synthetic = syntheticKinds.find((known) => known === kind);
    if (synthetic === undefined) await speakTo(path, seconds, random);
    else await writeWav(path, synthesize(synthetic, seconds, random));
    return monoSound(this.#media, path);
  }
}
