const sampleRate = 48_000;

/** Samples of a recording; undefined where this browser cannot decode it. */
export async function decodeSound(source: Blob): Promise<AudioBuffer | undefined> {
  const context = new OfflineAudioContext(2, 1, sampleRate);
  try {
    return await context.decodeAudioData(await source.arrayBuffer());
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/** Largest absolute sample of each of `count` equal stretches, 0…1. */
export function peaksOf(samples: AudioBuffer, count: number): Float32Array {
  const peaks = new Float32Array(count);
  for (let channel = 0; channel < samples.numberOfChannels; channel += 1) {
    const data = samples.getChannelData(channel);
    for (let index = 0; index < count; index += 1) {
      const end = Math.floor(((index + 1) * data.length) / count);
      let peak = peaks[index] ?? 0;
      for (let at = Math.floor((index * data.length) / count); at < end; at += 1) {
        peak = Math.max(peak, Math.abs(data[at] ?? 0));
      }
      peaks[index] = Math.min(1, peak);
    }
  }
  return peaks;
}
