import { z } from 'zod';
import type { GraphModel } from '../../graph/graph-model.ts';
import { type InputType, type Network, networkGraph } from '../../graph/network.ts';
import { floatTensor, type HostTensor, hostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce, Session } from '../../graph/runtime/session.ts';
import type { TensorGroup } from '../../graph/tensor-group.ts';
import type { Value } from '../../graph/value.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { configOf, upsamplerConfigOf, type VideoVaeConfig } from '../../ltx2/config.ts';
import { imagePixels } from '../../ltx2/video/image-pixels.ts';
import { latentUpsampler } from '../../ltx2/video/latent-upsampler.ts';
import { type DecodeTiles, type DecodeTiling, decodeTiles } from '../../ltx2/video/tiles/decode-tiles.ts';
import type { PlanarFrame } from '../../ltx2/video/tiles/frame-blender.ts';
import { blendedFrames, tilesOf } from '../../ltx2/video/tiles/tiled-decoder.ts';
import { videoDecoder } from '../../ltx2/video/video-decoder.ts';
import { videoEncoder } from '../../ltx2/video/video-encoder.ts';
import { elementAt } from '../../shared/element-at.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';
import { rgbVideoDecoder } from './rgb-video-decoder.ts';

const bundleFile = 'ltx-2-tiny.safetensors';
const upscalerFile = 'ltx-2-tiny-spatial-upscaler-x2.safetensors';

const count = z.number().int().positive();
const sampling = z.tuple([count, count, count]);
const tilingParams = z.object({
  spatial_tile_px: count,
  spatial_overlap_px: count,
  temporal_tile_frames: count,
  temporal_overlap_frames: count,
});

/** The picture autoencoder, its tiling, the latent upsampler and picture preprocessing. */
export const videoEvaluators: Evaluators = {
  video_vae_encode: async (parityCase) => {
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    return await runOnce(vaeGraph(videoEncoder, bundle, parityCase), { video: await parityCase.floats('video') });
  },

  video_vae_decode: async (parityCase) => {
    const { output_sample, uint8 } = parityCase.params(
      z.object({ output_sample: sampling.optional(), uint8: z.boolean().optional() }),
    );
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const feeds = { latent: await parityCase.floats('latent') };
    const results = await runOnce(vaeGraph(videoDecoder, bundle, parityCase), feeds);
    const video = sampled(floats(results, 'video'), output_sample);
    if (uint8 !== true) return { video };
    return { video, ...(await runOnce(vaeGraph(rgbVideoDecoder, bundle, parityCase), feeds)) };
  },

  video_vae_decode_tiled: async (parityCase) => {
    const { output_sample } = parityCase.params(z.object({ output_sample: sampling }));
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const latent = await parityCase.floats('latent');
    const tiles = tilesOf(latent, tilingOf(parityCase));
    await using decoder = await Session.open(vaeGraph(videoDecoder, bundle, parityCase));
    const video = await gathered(blendedFrames(decoder, latent, tiles), tiles);
    return { video: sampled(video, output_sample), ...tileLists(tiles) };
  },

  video_vae_tiles: async (parityCase) => {
    const size = parityCase.params(z.object({ latent_frames: count, latent_height: count, latent_width: count }));
    const { latent_frames: frames, latent_height: height, latent_width: width } = size;
    return tileLists(decodeTiles({ frames, height, width }, tilingOf(parityCase)));
  },

  latent_upsample: async (parityCase) => {
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const upscaler = await openCheckpoint(parityCase.file(upscalerFile));
    const weights = joinCheckpoints(upscaler, bundle);
    const model = networkGraph(latentUpsampler, parityCase.target, weights, upsamplerConfigOf(upscaler));
    return await runOnce(model, { latent: await parityCase.floats('latent') });
  },

  image_preprocess: async (parityCase) => {
    const { width, height } = parityCase.params(z.object({ width: count, height: count }));
    const { data, shape } = await parityCase.integers('image');
    const [imageHeight = 0, imageWidth = 0] = shape;
    if (!(data instanceof Uint8Array)) throw new Error('the picture is not 8-bit');
    return { pixels: imagePixels({ rgb: data, width: imageWidth, height: imageHeight }, width, height) };
  },
};

/** One of the networks of the video autoencoder. */
function vaeGraph<Inputs extends TensorGroup<InputType>>(
  network: Network<VideoVaeConfig, Inputs, TensorGroup<Value>>,
  bundle: Checkpoint,
  { target }: ParityCase,
): GraphModel {
  return networkGraph(network, target, bundle, configOf(bundle, 'vae'));
}

function tilingOf(parityCase: ParityCase): DecodeTiling {
  const params = parityCase.params(tilingParams);
  return {
    tilePixels: params.spatial_tile_px,
    overlapPixels: params.spatial_overlap_px,
    tileFrames: params.temporal_tile_frames,
    overlapFrames: params.temporal_overlap_frames,
  };
}

/** Tile lists in the format's order: time-major, then height, then width. */
function tileLists(tiles: DecodeTiles): Record<string, HostTensor> {
  const combined = tiles.time.flatMap((time) =>
    tiles.height.flatMap((height) => tiles.width.map((width) => [time, height, width])),
  );
  const axes = combined.flat();
  const bounds = (values: number[], ...shape: number[]): HostTensor =>
    hostTensor('int32', Int32Array.from(values), [combined.length, 3, ...shape]);
  return {
    tiles_in: bounds(
      axes.flatMap(({ start, end }) => [start, end]),
      2,
    ),
    tiles_out: bounds(
      axes.flatMap(({ outputStart, outputEnd }) => [outputStart, outputEnd]),
      2,
    ),
    mask_lengths: bounds(axes.map(({ weights }) => weights.length)),
    masks: concatenated(axes.map(({ weights }) => weights)),
  };
}

function concatenated(parts: readonly Float32Array[]): HostTensor<'float32'> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Float32Array(length);
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return floatTensor(whole, [length]);
}

/** All frames of a decode as one tensor `[1, 3, T, H, W]`. */
async function gathered(frames: AsyncIterable<PlanarFrame>, tiles: DecodeTiles): Promise<HostTensor<'float32'>> {
  const lengthOf = (axis: DecodeTiles['time']): number => elementAt(axis, axis.length - 1).outputEnd;
  const [T, H, W] = [lengthOf(tiles.time), lengthOf(tiles.height), lengthOf(tiles.width)];
  const video = new Float32Array(3 * T * H * W);
  let index = 0;
  for await (const { data, offset, planeStride } of frames) {
    for (let channel = 0; channel < 3; channel++) {
      const start = offset + channel * planeStride;
      video.set(data.subarray(start, start + H * W), (channel * T + index) * H * W);
    }
    index++;
  }
  return floatTensor(video, [1, 3, T, H, W]);
}

/** Every a-th frame, b-th row and c-th column of `[1, 3, T, H, W]`. */
function sampled(video: HostTensor<'float32'>, [a, b, c] = [1, 1, 1]): HostTensor<'float32'> {
  const [T, H, W] = [elementAt(video.shape, 2), elementAt(video.shape, 3), elementAt(video.shape, 4)];
  const values: number[] = [];
  for (let channel = 0; channel < 3; channel++) {
    for (let t = 0; t < T; t += a) {
      for (let y = 0; y < H; y += b) {
        const row = ((channel * T + t) * H + y) * W;
        for (let x = 0; x < W; x += c) values.push(elementAt(video.data, row + x));
      }
    }
  }
  return floatTensor(Float32Array.from(values), [1, 3, Math.ceil(T / a), Math.ceil(H / b), Math.ceil(W / c)]);
}
