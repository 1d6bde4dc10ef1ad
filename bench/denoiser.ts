import type { GraphModel } from '../src/graph/graph-model.ts';
import type { GraphTarget } from '../src/graph/graph-target.ts';
import { type Feeds, networkGraph } from '../src/graph/network.ts';
import type { Checkpoint } from '../src/graph/weights/checkpoint.ts';
import { audioPositions, videoPositions } from '../src/ltx2/sampling/positions.ts';
import { sinusoidWidth } from '../src/ltx2/transformer/timestep-sinusoid.ts';
import {
  feedForwardParts,
  streamWidths,
  transformer,
  transformerConfigOf,
} from '../src/ltx2/transformer/transformer.ts';
import { VelocityModel } from '../src/ltx2/transformer/velocity.ts';
import { someValues } from './stopwatch.ts';

/** The transformer with everything it takes for one evaluation. */
export interface Denoiser {
  readonly graph: GraphModel;
  readonly feeds: Feeds<typeof transformer>;
  /** Symbolic sizes, for counting operations. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** One timestep for all tokens: a latent of `frames × height × width`, five seconds of sound, 1,024 rows of text. */
export async function denoiser(
  bundle: Checkpoint,
  target: GraphTarget,
  size: { frames: number; height: number; width: number },
): Promise<Denoiser> {
  const config = transformerConfigOf(bundle);
  const [Nv, Na, S, H] = [size.frames * size.height * size.width, 121, 1024, config.caption_channels];
  await using model = new VelocityModel(bundle, { target });
  const text = { video: someValues([S, H]), audio: someValues([S, H]) };
  const stage = model.prepareStage(videoPositions(size, 25), audioPositions(Na), text);
  // As `VelocityModel` does it: where weights are mapped, keys and values of the text are there already.
  const hasTextKeys = !target.hasOwnMemory;
  const videoParts = feedForwardParts(target, config, Nv);
  const form = { config, perToken: { video: false, audio: false }, hasTextKeys, videoParts };
  const graph = networkGraph(transformer, target, bundle, form);
  const widths = streamWidths(config);
  const textOf = (stream: 'video' | 'audio') => {
    if (!hasTextKeys) return { context: text[stream], textKeys: undefined };
    const rows = someValues([S, widths[stream]]);
    const textKeys = Array.from({ length: config.num_layers }, () => ({ keys: rows, values: rows }));
    return { context: undefined, textKeys };
  };
  const step = (tokens: number, channels: number) => ({
    tokens: someValues([tokens, channels]),
    timestep: { sinusoid: someValues([1, sinusoidWidth]), index: undefined },
    residual: undefined,
  });
  return {
    graph,
    feeds: {
      video: { ...stage.video, ...textOf('video'), ...step(Nv, config.in_channels) },
      audio: { ...stage.audio, ...textOf('audio'), ...step(Na, config.audio_in_channels) },
    },
    sizes: { Nv, Na, S },
  };
}
