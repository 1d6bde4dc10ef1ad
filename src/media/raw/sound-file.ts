import { open } from 'node:fs/promises';
import { elementAt } from '../../shared/element-at.ts';
import { channelsOf, type Waveform } from '../sound/waveform.ts';
import { openRawFile } from './raw-file.ts';

/**
 * Sound on its way between processes: 32-bit floats as this machine writes them, channels interleaved, full scale ±1, and
 * nothing else. It passes by the process that only directs the others, whose memory stays as it is.
 */
export interface SoundFile {
  readonly path: string;
  /** Samples per second. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
}

export const bytesPerSample = Float32Array.BYTES_PER_ELEMENT;
/** Samples of each channel that are read or written at a time. */
const pieceSamples = 2 ** 16;

/** Reads at most the first `seconds` of a sound file. */
export async function readSoundFile(
  { path, sampleRate, channels }: SoundFile,
  seconds = Number.POSITIVE_INFINITY,
): Promise<Waveform> {
  await using file = await open(path);
  const { size } = await file.stat();
  const length = Math.min(size / bytesPerSample / channels, Math.round(seconds * sampleRate));
  const waveform = new Float32Array(length * channels);
  const planes = channelsOf(waveform, channels);
  const piece = new Float32Array(pieceSamples * channels);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytesOf(piece), 0, piece.byteLength);
    const count = Math.min(length - at, Math.floor(bytesRead / bytesPerSample / channels));
    if (count === 0) throw new Error(`${path} ended while it was read`);
    for (const [channel, samples] of planes.entries()) {
      for (let index = 0; index < count; index++) samples[at + index] = elementAt(piece, index * channels + channel);
    }
    at += count;
  }
  return { sampleRate, channels, waveform };
}

/** Writes a sound file, over one that is there. */
export async function writeSoundFile(path: string, { waveform, channels }: Waveform): Promise<void> {
  await using file = await openRawFile(path);
  const planes = channelsOf(waveform, channels);
  const length = waveform.length / channels;
  for (let at = 0; at < length; at += pieceSamples) {
    await file.append(bytesOf(interleaved(planes, at, Math.min(length, at + pieceSamples))));
  }
}

function bytesOf(samples: Float32Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(samples.buffer);
}

/** Samples `from` up to `to` of all channels, one after the other in time. */
export function interleaved(planes: readonly Float32Array[], from: number, to: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array((to - from) * planes.length);
  for (const [channel, plane] of planes.entries()) {
    for (let index = from; index < to; index++)
      samples[(index - from) * planes.length + channel] = elementAt(plane, index);
  }
  return samples;
}
