import { resampler } from '../../src/ltx2/audio/features/resample.ts';
import type { MediaService } from '../../src/media/media-service.ts';
import { channelsOf } from '../../src/media/sound/waveform.ts';
import { soundRate } from '../measures/motion/loudness.ts';

/** The sound of any file as one channel at 16 kHz: the mean of its channels. */
export async function monoSound(media: MediaService, path: string): Promise<Float32Array> {
  const { waveform, channels, sampleRate } = await media.decodeAudio(path);
  const [first = new Float32Array(0), ...others] = channelsOf(waveform, channels);
  const mixed = first.map((value, at) => others.reduce((sum, channel) => sum + (channel[at] ?? 0), value) / channels);
  return resampler(sampleRate, soundRate)(mixed);
}
