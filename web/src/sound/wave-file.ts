/** A stretch of a recording, in seconds. */
export interface Trim {
  readonly start: number;
  readonly end: number;
}

const headerBytes = 44;
const bytesPerSample = 2;

/** A stretch of a recording as a WAV file of 16 bits. */
export function waveFile(samples: AudioBuffer, { start, end }: Trim): Blob {
  const { sampleRate, numberOfChannels: channels } = samples;
  const first = Math.round(start * sampleRate);
  const last = Math.min(samples.length, Math.round(end * sampleRate));
  const count = Math.max(0, last - first);
  const view = new DataView(new ArrayBuffer(headerBytes + count * channels * bytesPerSample));
  writeHeader(view, { count, channels, sampleRate });
  for (let channel = 0; channel < channels; channel += 1) {
    const data = samples.getChannelData(channel);
    for (let index = 0; index < count; index += 1) {
      const sample = Math.max(-1, Math.min(1, data[first + index] ?? 0));
      view.setInt16(headerBytes + (index * channels + channel) * bytesPerSample, Math.round(sample * 0x7fff), true);
    }
  }
  return new Blob([view.buffer as ArrayBuffer], { type: 'audio/wav' });
}

interface WaveFormat {
  readonly count: number;
  readonly channels: number;
  readonly sampleRate: number;
}

function writeHeader(view: DataView, { count, channels, sampleRate }: WaveFormat): void {
  const block = channels * bytesPerSample;
  const text = (offset: number, word: string): void => {
    for (const [index, letter] of [...word].entries()) view.setUint8(offset + index, letter.charCodeAt(0));
  };
  text(0, 'RIFF');
  view.setUint32(4, headerBytes - 8 + count * block, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * block, true);
  view.setUint16(32, block, true);
  view.setUint16(34, 8 * bytesPerSample, true);
  text(36, 'data');
  view.setUint32(40, count * block, true);
}
