/** Samples a second of the recordings. */
export const sampleRate = 24_000;

const loudest = 0.89;

/** Two bars of kick, snare and hi-hat. */
export function drums(): Float32Array {
  const beat = 60 / 112;
  const mixed = new Float32Array(Math.round(8 * beat * sampleRate));
  const noise = whiteNoise();
  const kick = (time: number) =>
    Math.sin(2 * Math.PI * (48 * time + (110 / 18) * (1 - Math.exp(-18 * time)))) * Math.exp(-9 * time);
  const snare = (time: number) =>
    0.56 * noise() * Math.exp(-18 * time) + 0.4 * Math.sin(2 * Math.PI * 190 * time) * Math.exp(-22 * time);
  const hat = (time: number) => 0.2 * noise() * Math.exp(-70 * time);
  for (const bar of [0, 1]) {
    const first = 4 * bar;
    for (const at of [0, 1.5, 2]) add(mixed, (first + at) * beat, 0.35, kick);
    for (const at of bar === 1 ? [1, 3, 3.5] : [1, 3]) add(mixed, (first + at) * beat, 0.22, snare);
    for (let eighth = 0; eighth < 8; eighth += 1) add(mixed, (first + eighth / 2) * beat, 0.06, hat);
  }
  return leveled(mixed);
}

/** A tune of plucked notes. */
export function melody(): Float32Array {
  const notes = [262, 330, 392, 523, 440, 392, 330, 392, 523, 659, 523, 392, 330, 294, 262];
  const length = 0.28;
  const mixed = new Float32Array(Math.round((notes.length * length + 0.4) * sampleRate));
  for (const [index, pitch] of notes.entries()) {
    add(mixed, index * length, 0.55, (time) => {
      const tones = [1, 0.45, 0.22, 0.1].map(
        (amount, overtone) =>
          amount * Math.sin(2 * Math.PI * pitch * (overtone + 1) * time) * Math.exp(-2 * overtone * time),
      );
      return Math.min(1, time / 0.008) * Math.exp(-5.5 * time) * tones.reduce((sum, tone) => sum + tone, 0);
    });
  }
  return leveled(mixed);
}

function add(mixed: Float32Array, start: number, seconds: number, sample: (time: number) => number): void {
  const first = Math.round(start * sampleRate);
  const last = Math.min(mixed.length, first + Math.round(seconds * sampleRate));
  for (let index = first; index < last; index += 1) {
    mixed[index] = (mixed[index] ?? 0) + sample((index - first) / sampleRate);
  }
}

/** The same noise every time, -1…1. */
function whiteNoise(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function leveled(samples: Float32Array): Float32Array {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return samples.map((sample) => (sample / peak) * loudest);
}
