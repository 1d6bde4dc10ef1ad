import { elementAt } from '../../src/shared/element-at.ts';
import { soundRate } from '../measures/motion/loudness.ts';
import type { SeededRandom } from '../seeded-random.ts';

export const syntheticKinds = ['syllables', 'drums', 'tones', 'noise'] as const;
export type SyntheticKind = (typeof syntheticKinds)[number];

/** A sound of a kind, one channel at 16 kHz, peaks below full scale. */
export function synthesize(kind: SyntheticKind, seconds: number, random: SeededRandom): Float32Array {
  const samples = new Float32Array(Math.ceil(seconds * soundRate));
  const make = { syllables: addSyllables, drums: addDrums, tones: addTones, noise: addNoise }[kind];
  make(samples, random);
  const peak = samples.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-9);
  // The faint hiss of any recording.
  return samples.map((value) => (0.7 * value) / peak + 0.0005 * random.normal());
}

/** First and second formant of a few vowels in hertz. */
const vowels = [
  [730, 1090],
  [270, 2290],
  [300, 870],
  [530, 1840],
  [570, 840],
] as const;

/** Like speech: words of one to four syllables, each a buzz through two formants, with pauses between the words. */
function addSyllables(samples: Float32Array, random: SeededRandom): void {
  const pitch = random.between(95, 220);
  let at = random.between(0, 0.3);
  while (at * soundRate < samples.length) {
    for (let syllables = 1 + random.integer(4); syllables > 0; syllables--) {
      const length = random.between(0.1, 0.24);
      addSyllable(samples, at, length, pitch * random.between(0.9, 1.15), random);
      at += length + random.between(0.02, 0.07);
    }
    at += random.between(0.12, 0.6);
  }
}

function addSyllable(samples: Float32Array, start: number, length: number, pitch: number, random: SeededRandom): void {
  const formants = random.pick(vowels).map((hertz) => resonator(hertz * random.between(0.92, 1.08), 90));
  const loudness = random.between(0.35, 1);
  const count = Math.floor(length * soundRate);
  let phase = 0;
  for (let n = 0; n < count; n++) {
    phase += pitch / soundRate;
    const pulse = phase >= 1 ? 1 : 0;
    phase %= 1;
    const value = formants.reduce((sum, filter) => sum + filter(pulse), 0);
    const share = n / count;
    const envelope = Math.min(1, share / 0.2, (1 - share) / 0.35);
    addTo(samples, start * soundRate + n, value * envelope * loudness);
  }
}

/** A two-pole filter that rings at a frequency. */
function resonator(hertz: number, bandwidth: number): (input: number) => number {
  const radius = Math.exp((-Math.PI * bandwidth) / soundRate);
  const [a, b] = [2 * radius * Math.cos((2 * Math.PI * hertz) / soundRate), -radius * radius];
  let [last, before] = [0, 0];
  return (input) => {
    const output = input + a * last + b * before;
    [last, before] = [output, last];
    return output;
  };
}

/** Hits with long and short gaps, each a falling thud with a burst of noise. */
function addDrums(samples: Float32Array, random: SeededRandom): void {
  const gap = random.between(0.3, 0.6);
  for (let at = random.between(0, gap); at * soundRate < samples.length; at += gap * random.pick([1, 1, 1, 2])) {
    const [decay, hertz, loudness] = [random.between(0.06, 0.14), random.between(90, 180), random.between(0.5, 1)];
    for (let n = 0; n < 6 * decay * soundRate; n++) {
      const thud = Math.sin((2 * Math.PI * hertz * n) / soundRate) + 0.4 * random.normal();
      addTo(samples, at * soundRate + n, loudness * thud * Math.exp(-n / soundRate / decay));
    }
  }
}

/** Notes with three harmonics, and rests. */
function addTones(samples: Float32Array, random: SeededRandom): void {
  for (let at = random.between(0, 0.3); at * soundRate < samples.length; ) {
    const length = random.between(0.15, 0.6);
    const hertz = 110 * 2 ** (random.integer(36) / 12);
    const loudness = random.between(0.3, 1);
    for (let n = 0; n < length * soundRate; n++) {
      const turns = (2 * Math.PI * hertz * n) / soundRate;
      const wave = Math.sin(turns) + Math.sin(2 * turns) / 2 + Math.sin(3 * turns) / 3;
      const seconds = n / soundRate;
      addTo(samples, at * soundRate + n, loudness * wave * Math.min(1, seconds / 0.02, (length - seconds) / 0.05));
    }
    at += length + random.between(0.08, 0.5);
  }
}

/** Noise that swells and fades at an uneven pace. */
function addNoise(samples: Float32Array, random: SeededRandom): void {
  const knots = Array.from({ length: Math.ceil((samples.length / soundRate) * 2.5) + 2 }, () => random.number());
  for (let n = 0; n < samples.length; n++) {
    const at = (n / soundRate) * 2.5;
    const [from, to] = [elementAt(knots, Math.floor(at)), elementAt(knots, Math.floor(at) + 1)];
    samples[n] = random.normal() * (from + (to - from) * (at % 1)) ** 2.5;
  }
}

function addTo(samples: Float32Array, at: number, value: number): void {
  const index = Math.floor(at);
  if (index < samples.length) samples[index] = elementAt(samples, index) + value;
}
