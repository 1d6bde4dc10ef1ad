import type { Frame } from 'node-av/lib';
import { toStereo } from '../sound/stereo.ts';
import { channelsOf } from '../sound/waveform.ts';
import { pcmFrames } from './pcm-frames.ts';
import { channelMask, readSamples } from './sample-format.ts';

/** Decoded frames as finite floats of one or two channels, more of them mixed down as the model hears them. */
export async function* stereoFrames(
  source: AsyncGenerator<Frame, void, undefined>,
): AsyncGenerator<Frame, void, undefined> {
  for await (const frame of source) {
    const { sampleRate, channels, nbSamples } = frame;
    const waveform = new Float32Array(channels * nbSamples);
    readSamples(frame, 0, nbSamples, channelsOf(waveform, channels), 0);
    if (channels === 1) yield* pcmFrames({ waveform, sampleRate, channels });
    else yield* pcmFrames({ waveform: toStereo(waveform, channels, channelMask(frame)), sampleRate, channels: 2 });
  }
}
