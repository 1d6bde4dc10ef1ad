import type { Frame } from 'node-av/lib';
import { toStereo } from '../../../sound/stereo.ts';
import { channelsOf } from '../../../sound/waveform.ts';
import { waveformFrames, withinFullScale } from '../../float-frames.ts';
import { channelMask, readSamples } from '../../sample-format.ts';

/** Decoded frames as floats within full scale, of one or two channels, more of them mixed down as the model hears them. */
export async function* stereoFrames(
  source: AsyncGenerator<Frame, void, undefined>,
): AsyncGenerator<Frame, void, undefined> {
  for await (const frame of source) {
    const { sampleRate, channels, nbSamples } = frame;
    const decoded = new Float32Array(channels * nbSamples);
    readSamples(frame, 0, nbSamples, channelsOf(decoded, channels), 0);
    const waveform = withinFullScale(channels === 1 ? decoded : toStereo(decoded, channels, channelMask(frame)));
    yield* waveformFrames({ waveform, sampleRate, channels: channels === 1 ? 1 : 2 });
  }
}
