import { writeFile } from 'node:fs/promises';
import { soundRate } from '../measures/motion/loudness.ts';

/** Writes one channel at 16 kHz as a 16-bit wav file. */
export async function writeWav(path: string, samples: Float32Array): Promise<void> {
  const bytes = Buffer.alloc(44 + samples.length * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + samples.length * 2, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(soundRate, 24);
  bytes.writeUInt32LE(soundRate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(samples.length * 2, 40);
  for (const [at, value] of samples.entries()) {
    bytes.writeInt16LE(Math.round(Math.min(1, Math.max(-1, value)) * 32767), 44 + at * 2);
  }
  await writeFile(path, bytes);
}
