export interface WavFormat {
  readonly sampleRate: number;
  readonly channels: number;
  readonly kind: 'integers' | 'floats';
  readonly bits: 16 | 24 | 32 | 64;
  /** Speakers, in a header of the extensible kind. Default: a plain header. */
  readonly channelMask?: number | undefined;
}

/** A wav of `frames` samples of each channel; integers are scaled from ±1. */
export function wav(
  { sampleRate, channels, kind, bits, channelMask }: WavFormat,
  frames: number,
  value: (frame: number, channel: number) => number,
): Buffer {
  const bytes = bits / 8;
  const data = Buffer.alloc(frames * channels * bytes);
  for (let index = 0; index < frames * channels; index++) {
    const sample = value(Math.floor(index / channels), index % channels);
    if (kind === 'integers') data.writeIntLE(Math.round(sample * (2 ** (bits - 1) - 1)), index * bytes, bytes);
    else if (bits === 64) data.writeDoubleLE(sample, index * bytes);
    else data.writeFloatLE(sample, index * bytes);
  }
  const tag = kind === 'integers' ? 1 : 3;
  const format = Buffer.alloc(channelMask === undefined ? 16 : 40);
  format.writeUInt16LE(channelMask === undefined ? tag : 0xfffe, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(sampleRate, 4);
  format.writeUInt32LE((sampleRate * channels * bytes) % 2 ** 32, 8);
  format.writeUInt16LE(channels * bytes, 12);
  format.writeUInt16LE(bits, 14);
  if (channelMask !== undefined) {
    format.writeUInt16LE(22, 16);
    format.writeUInt16LE(bits, 18);
    format.writeUInt32LE(channelMask, 20);
    format.writeUInt16LE(tag, 24);
    format.write('000000001000800000aa00389b71', 26, 'hex');
  }
  const header = Buffer.alloc(12);
  header.write('RIFF    WAVE', 'latin1');
  header.writeUInt32LE(4 + 8 + format.length + 8 + data.length, 4);
  return Buffer.concat([header, chunkHeader('fmt ', format.length), format, chunkHeader('data', data.length), data]);
}

function chunkHeader(name: string, length: number): Buffer {
  const header = Buffer.alloc(8);
  header.write(name, 'latin1');
  header.writeUInt32LE(length, 4);
  return header;
}
