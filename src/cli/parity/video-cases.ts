import { z } from 'zod';
import { graphTargets } from '../../graph/graph-target.ts';
import { floatTensor, type HostTensor, hostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce, Session } from '../../graph/runtime/session.ts';
import { openCheckpoint } from '../../ltx2/checkpoint.ts';
import { imagePixels } from '../../ltx2/video/image-pixels.ts';
import { buildLatentUpsampler } from '../../ltx2/video/latent-upsampler.ts';
import { type DecodeTiles, type DecodeTiling, decodeTiles } from '../../ltx2/video/tiles/decode-tiles.ts';
import type { PlanarFrame } from '../../ltx2/video/tiles/frame-blender.ts';
import { blendedFrames, tilesOf } from '../../ltx2/video/tiles/tiled-decoder.ts';
import { buildVideoDecoder } from '../../ltx2/video/video-decoder.ts';
import { buildVideoEncoder } from '../../ltx2/video/video-encoder.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';

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
    return await runOnce(buildVideoEncoder(bundle, graphTargets.cpu), { video: await parityCase.floats('video') });
  },

  video_vae_decode: async (parityCase) => {
    const { output_sample, uint8 } = parityCase.params(
      z.object({ output_sample: sampling.optional(), uint8: z.boolean().optional() }),
    );
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const feeds = { latent: await parityCase.floats('latent') };
    const results = await runOnce(buildVideoDecoder(bundle, graphTargets.cpu, 'planar'), feeds);
    const video = sampled(floats(results, 'video'), output_sample);
    if (uint8 !== true) return { video };
    return { video, ...(await runOnce(buildVideoDecoder(bundle, graphTargets.cpu, 'rgb24'), feeds)) };
  },

  video_vae_decode_tiled: async (parityCase) => {
    const { output_sample } = parityCase.params(z.object({ output_sample: sampling }));
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const latent = await parityCase.floats('latent');
    const tiles = tilesOf(latent, tilingOf(parityCase));
    await using decoder = await Session.open(buildVideoDecoder(bundle, graphTargets.cpu, 'planar'));
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
    const model = buildLatentUpsampler(upscaler, bundle, graphTargets.cpu);
    return await runOnce(model, { latent: await parityCase.floats('latent') });
  },

  image_preprocess: async (parityCase) => {
    const { width, height } = parityCase.params(z.object({ width: count, height: count }));
    const { data, shape } = await parityCase.integers('image');
    const [imageHeight = 0, imageWidth = 0] = shape;
    if (!(data instanceof Uint8Array)) throw new Error('the picture is not 8-bit');
    return { pixels: imagePixels({ data, width: imageWidth, height: imageHeight }, width, height) };
  },
};

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
  const size = [tiles.time, tiles.height, tiles.width].map((axis) => axis.at(-1)?.outputEnd ?? 0);
  const [T, H, W] = size as [number, number, number];
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
  const [, , T = 0, H = 0, W = 0] = video.shape;
  const values: number[] = [];
  for (let channel = 0; channel < 3; channel++) {
    for (let t = 0; t < T; t += a) {
      for (let y = 0; y < H; y += b) {
        const row = ((channel * T + t) * H + y) * W;
        for (let x = 0; x < W; x += c) values.push(video.data[row + x] as number);
      }
    }
  }
  return floatTensor(Float32Array.from(values), [1, 3, Math.ceil(T / a), Math.ceil(H / b), Math.ceil(W / c)]);
}
