import { open } from 'node:fs/promises';
import { AV_SAMPLE_FMT_FLT } from 'node-av/constants';
import { avChannelLayoutDefault, Frame } from 'node-av/lib';
import { bytesPerSample, interleaved, type SoundFile } from '../raw/sound-file.ts';
import { channelsOf, type Waveform } from '../sound/waveform.ts';

const samplesPerFrame = 4096;

/** Cuts a waveform into float frames, its values as they are. Each frame is valid until the next one is asked for. */
export async function* waveformFrames({
  waveform,
  sampleRate,
  channels,
}: Waveform): AsyncGenerator<Frame, void, undefined> {
  const planes = channelsOf(waveform, channels);
  const length = waveform.length / channels;
  for (let offset = 0; offset < length; offset += samplesPerFrame) {
    const samples = interleaved(planes, offset, Math.min(length, offset + samplesPerFrame));
    using frame = floatFrame(samples, sampleRate, channels);
    yield frame;
  }
}

/**
 * The frames of a sound file, which needs to be there when the first is asked for. Each frame is valid until the next one
 * is asked for.
 */
export async function* soundFileFrames({
  path,
  sampleRate,
  channels,
}: SoundFile): AsyncGenerator<Frame, void, undefined> {
  await using file = await open(path);
  const piece = new Float32Array(samplesPerFrame * channels);
  while (true) {
    const { bytesRead } = await file.read(new Uint8Array(piece.buffer), 0, piece.byteLength);
    const count = Math.floor(bytesRead / bytesPerSample / channels);
    if (count === 0) return;
    using frame = floatFrame(withinFullScale(piece.slice(0, count * channels)), sampleRate, channels);
    yield frame;
  }
}

/** Limits samples to ±1, in place. */
export function withinFullScale<Samples extends Float32Array>(samples: Samples): Samples {
  for (const [index, value] of samples.entries()) samples[index] = Math.max(-1, Math.min(1, value));
  return samples;
}

function floatFrame(interleavedSamples: Float32Array<ArrayBuffer>, sampleRate: number, channels: number): Frame {
  return Frame.fromAudioBuffer(Buffer.from(interleavedSamples.buffer), {
    nbSamples: interleavedSamples.length / channels,
    format: AV_SAMPLE_FMT_FLT,
    sampleRate,
    channelLayout: avChannelLayoutDefault(channels),
  });
}
