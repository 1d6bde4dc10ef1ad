import { elementAt } from '../../../../shared/element-at.ts';
import { profileRate, type SoundProfile } from '../../../sound/sound-profile.ts';
import { channelsOf } from '../../../sound/waveform.ts';
import { type AudioDecodeRequest, decodeAudio } from './audio-decode.ts';

/** Hertz at which bands meet: drums and basses below, hisses and cymbals above, voices in between. */
const crossovers = [200, 2000] as const;
const floor = -120;
/** Decibels below which a band counts as silent: noise there has no beginnings. */
const bandFloor = -70;

export type SoundProfileRequest = Omit<AudioDecodeRequest, 'start'>;

/** Listens to a recording, of which no more than a second is held at a time. */
export async function profileSound(request: SoundProfileRequest, signal: AbortSignal): Promise<SoundProfile> {
  let profiler: Profiler | undefined;
  const { isCut } = await decodeAudio(
    { ...request, start: 0 },
    async (block, { sampleRate, channels }) => {
      profiler ??= new Profiler(sampleRate);
      profiler.add(channelsOf(block, channels));
    },
    signal,
  );
  // Whoever has no sound at all was refused by then.
  if (profiler === undefined) throw new Error('a decoded recording has samples');
  return { ...profiler.finish(), isCut };
}

class Profiler {
  readonly #rate: number;
  /** Of one-pole low-passes at the crossovers. */
  readonly #shares: readonly number[];
  readonly #lows = crossovers.map(() => 0);
  readonly #loudness: number[] = [];
  readonly #onset: number[] = [];
  readonly #energies = [...crossovers, 0].map(() => 0);
  #lastLevels: readonly number[] | undefined;
  #energy = 0;
  #samples = 0;
  #momentStart = 0;

  constructor(sampleRate: number) {
    this.#rate = sampleRate;
    this.#shares = crossovers.map((hertz) => 1 - Math.exp((-2 * Math.PI * hertz) / sampleRate));
  }

  add(planes: readonly Float32Array[]): void {
    const length = planes[0]?.length ?? 0;
    for (let index = 0; index < length; index++) {
      let sum = 0;
      let energy = 0;
      for (const plane of planes) {
        const value = elementAt(plane, index);
        sum += value;
        energy += value * value;
      }
      // Each channel counts, also where they would cancel each other out.
      this.#energy += energy / planes.length;
      this.#filter(sum / planes.length);
      this.#samples++;
      if (this.#samples * profileRate >= (this.#loudness.length + 1) * this.#rate) this.#endMoment();
    }
  }

  finish(): Omit<SoundProfile, 'isCut'> {
    const duration = this.#samples / this.#rate;
    if (this.#samples > this.#momentStart) this.#endMoment();
    return { duration, loudness: Float32Array.from(this.#loudness), onset: Float32Array.from(this.#onset) };
  }

  #filter(sample: number): void {
    let below = 0;
    for (const [band, share] of this.#shares.entries()) {
      const low = elementAt(this.#lows, band) + share * (sample - elementAt(this.#lows, band));
      this.#lows[band] = low;
      this.#energies[band] = elementAt(this.#energies, band) + (low - below) ** 2;
      below = low;
    }
    const last = this.#shares.length;
    this.#energies[last] = elementAt(this.#energies, last) + (sample - below) ** 2;
  }

  #endMoment(): void {
    const count = Math.max(1, this.#samples - this.#momentStart);
    this.#loudness.push(decibels(this.#energy / count));
    const levels = this.#energies.map((energy) => Math.max(bandFloor, decibels(energy / count)));
    const before = this.#lastLevels ?? levels;
    this.#onset.push(levels.reduce((rise, level, band) => rise + Math.max(0, level - elementAt(before, band)), 0));
    this.#lastLevels = levels;
    this.#energies.fill(0);
    this.#energy = 0;
    this.#momentStart = this.#samples;
  }
}

function decibels(power: number): number {
  return Math.max(floor, 10 * Math.log10(power + 1e-12));
}
