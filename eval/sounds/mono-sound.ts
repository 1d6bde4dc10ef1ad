import { resampler } from '../../src/ltx2/audio/features/resample.ts';
import type { MediaService } from '../../src/media/media-service.ts';
import { channelsOf } from '../../src/media/sound/waveform.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import { soundRate } from '../measures/motion/loudness.ts';

/** The sound of any file as one channel at 16 kHz: the mean of its channels. */
export async function monoSound(media: MediaService, path: string): Promise<Float32Array> {
  const { waveform, channels, sampleRate } = await media.decodeAudio(path);
  const planes = channelsOf(waveform, channels);
  const mixed = Float32Array.from(
    { length: waveform.length / channels },
    (_, index) => planes.reduce((sum, plane) => sum + elementAt(plane, index), 0) / channels,
  );
  return resampler(sampleRate, soundRate)(mixed);
}
