import { writeFile } from 'node:fs/promises';

/** Writes a 16-bit PCM wav: a tone whose loudness goes up and down twice a second, a little like speech. */
export async function writeToneWav(path: string, seconds: number, sampleRate = 16_000, channels = 1): Promise<void> {
  const frames = Math.round(seconds * sampleRate);
  const data = Buffer.alloc(frames * channels * 2);
  for (let frame = 0; frame < frames; frame++) {
    const time = frame / sampleRate;
    const value = Math.sin(2 * Math.PI * 220 * time) * Math.sin(2 * Math.PI * time) ** 2 * 0.5;
    for (let channel = 0; channel < channels; channel++) {
      data.writeInt16LE(Math.round(value * 32767), (frame * channels + channel) * 2);
    }
  }
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data.length, 40);
  await writeFile(path, Buffer.concat([header, data]));
}
