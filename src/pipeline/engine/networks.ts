import type { Graph } from '../../graph/graph.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { drawNetwork } from '../../graph/network.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { audioDecoder } from '../../ltx2/audio/audio-decoder.ts';
import { audioEncoder } from '../../ltx2/audio/audio-encoder.ts';
import { audioVaeConfigOf } from '../../ltx2/audio/audio-latents.ts';
import { vocoder, vocoderConfigOf } from '../../ltx2/audio/vocoder.ts';
import { configOf, upsamplerConfigOf } from '../../ltx2/config.ts';
import type { LatentSize } from '../../ltx2/sampling/positions.ts';
import { latentUpsampler } from '../../ltx2/video/latent-upsampler.ts';
import { videoDecoder } from '../../ltx2/video/video-decoder.ts';
import { videoEncoder } from '../../ltx2/video/video-encoder.ts';

/** The networks around the transformer, drawn for a device. */
export interface SideNetworks {
  readonly audioEncoder: () => Graph;
  readonly imageEncoder: () => Graph;
  /** For latents of a size, or of any. */
  readonly upsampler: (size?: LatentSize) => Promise<Graph>;
  readonly videoDecoder: () => Graph;
  readonly audioDecoder: () => Graph;
  readonly vocoder: () => Graph;
}

/** @param upscaler path of its file */
export function sideNetworks(target: GraphTarget, bundle: Checkpoint, upscaler: string): SideNetworks {
  return {
    audioEncoder: () => drawNetwork(audioEncoder, target, bundle, audioVaeConfigOf(bundle)),
    imageEncoder: () => drawNetwork(videoEncoder, target, bundle, configOf(bundle, 'vae')),
    upsampler: async (size) => {
      const file = await openCheckpoint(upscaler);
      const form = { ...upsamplerConfigOf(file), size };
      return drawNetwork(latentUpsampler, target, joinCheckpoints(file, bundle), form);
    },
    videoDecoder: () => drawNetwork(videoDecoder, target, bundle, configOf(bundle, 'vae')),
    audioDecoder: () => drawNetwork(audioDecoder, target, bundle, audioVaeConfigOf(bundle)),
    vocoder: () => drawNetwork(vocoder, target, bundle, vocoderConfigOf(bundle)),
  };
}
