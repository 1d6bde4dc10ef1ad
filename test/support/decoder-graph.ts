import { type Shapes, videoVaeShapes } from '../../bench/checkpoint/checkpoint-shapes.ts';
import { releasedSizes } from '../../bench/checkpoint/released-files.ts';
import type { GraphModel } from '../../src/graph/graph-model.ts';
import { graphTargets } from '../../src/graph/graph-target.ts';
import { networkGraph } from '../../src/graph/network.ts';
import { type Checkpoint, openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { configOf, type VideoVaeConfig } from '../../src/ltx2/config.ts';
import { videoDecoder } from '../../src/ltx2/video/video-decoder.ts';
import { bundlePath } from './parity-checkpoint.ts';

/** A decoder's graph made of the shapes of its weights, which do not exist. */
export function decoderGraph(config: VideoVaeConfig, shapes: Shapes): GraphModel {
  const tensors = Object.entries(shapes).map(([name, shape], index) => {
    const length = shape.reduce((product, side) => product * side, 2);
    return [name, { name, file: 'nowhere', dtype: 'bfloat16', shape, offset: index, length }] as const;
  });
  const checkpoint: Checkpoint = { path: 'nowhere', tensors: new Map(tensors), config: undefined };
  return networkGraph(videoDecoder, graphTargets.cpu, checkpoint, config);
}

const sizes = { latent_channels: releasedSizes.latentChannels, decoder_base_channels: releasedSizes.vaeBase };
const config = configOf(await openCheckpoint(bundlePath), 'vae');

/** The decoder of the published model. */
export const publishedDecoder = decoderGraph({ ...config, ...sizes }, videoVaeShapes(releasedSizes));
