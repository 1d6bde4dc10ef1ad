import { AV_SAMPLE_FMT_FLT } from 'node-av/constants';
import { avChannelLayoutDefault, Frame } from 'node-av/lib';
import { channelsOf, type Waveform } from '../sound/waveform.ts';

const samplesPerFrame = 4096;

/** Cuts a waveform into float frames. Each frame is valid until the next one is asked for. */
export async function* pcmFrames({ waveform, sampleRate, channels }: Waveform): AsyncGenerator<Frame, void, undefined> {
  const planes = channelsOf(waveform, channels);
  const length = waveform.length / channels;
  for (let offset = 0; offset < length; offset += samplesPerFrame) {
    const count = Math.min(samplesPerFrame, length - offset);
    const interleaved = new Float32Array(count * channels);
    for (const [channel, samples] of planes.entries()) {
      for (let index = 0; index < count; index++) {
        interleaved[index * channels + channel] = Math.max(-1, Math.min(1, samples[offset + index] ?? 0));
      }
    }
    using frame = Frame.fromAudioBuffer(Buffer.from(interleaved.buffer), {
      nbSamples: count,
      format: AV_SAMPLE_FMT_FLT,
      sampleRate,
      channelLayout: avChannelLayoutDefault(channels),
    });
    yield frame;
  }
}
