import { elementAt } from '../../shared/element-at.ts';
import { channelsOf } from './waveform.ts';

const half = Math.SQRT1_2;

/** Gain of each speaker in the left and right channel, by bit of the WAVE channel mask (ITU-R BS.775 down-mix). */
const speakerGains: readonly (readonly [left: number, right: number])[] = [
  [1, 0], // front left
  [0, 1], // front right
  [half, half], // front center
  [0, 0], // low frequency effects
  [half, 0], // back left
  [0, half], // back right
  [1, 0], // front left of center
  [0, 1], // front right of center
  [0.5, 0.5], // back center
  [half, 0], // side left
  [0, half], // side right
];

/** Masks of the usual 3 to 8 channel layouts: 2.1, 4.0, 5.0, 5.1, 6.1, 7.1. */
const usualMasks = new Map([
  [3, 0x00b],
  [4, 0x107],
  [5, 0x037],
  [6, 0x03f],
  [7, 0x70f],
  [8, 0x63f],
]);

/**
 * Makes sound two-channelled: mono is duplicated, more channels are mixed down, scaled so that it cannot clip.
 *
 * @param waveform `[channels, samples]`
 * @param channelMask WAVE channel mask that names the speakers; by default the usual one for the number of channels.
 * @returns `[2, samples]`; the same array when it is stereo already.
 */
export function toStereo(waveform: Float32Array, channels: number, channelMask?: number): Float32Array {
  if (channels === 2) return waveform;
  const input = channelsOf(waveform, channels);
  const stereo = new Float32Array((waveform.length / channels) * 2);
  const output = channelsOf(stereo, 2);
  const gains = channels === 1 ? [[1, 1] as const] : mixGains(channels, channelMask);
  for (const [side, target] of output.entries()) {
    const norm = Math.max(
      1,
      gains.reduce((sum, gain) => sum + elementAt(gain, side), 0),
    );
    for (const [channel, samples] of input.entries()) {
      const gain = elementAt(elementAt(gains, channel), side) / norm;
      if (gain === 0) continue;
      for (let index = 0; index < target.length; index++)
        target[index] = elementAt(target, index) + gain * elementAt(samples, index);
    }
  }
  return stereo;
}

/** Unknown layouts alternate left and right. */
function mixGains(channels: number, channelMask = usualMasks.get(channels) ?? 0): (readonly [number, number])[] {
  const named = speakerGains.filter((_, bit) => channelMask & (1 << bit));
  if (named.length === channels) return named;
  return Array.from({ length: channels }, (_, channel) => (channel % 2 === 0 ? [1, 0] : [0, 1]));
}
