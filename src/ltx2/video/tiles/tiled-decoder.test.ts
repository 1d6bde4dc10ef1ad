import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rgbVideoDecoder } from '../../../cli/parity/rgb-video-decoder.ts';
import { graphTargets } from '../../../graph/graph-target.ts';
import { networkGraph } from '../../../graph/network.ts';
import { floatTensor, type HostTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, runOnce, Session } from '../../../graph/runtime/session.ts';
import { type Checkpoint, openCheckpoint } from '../../../graph/weights/checkpoint.ts';
import { configOf } from '../../config.ts';
import { seededNormals } from '../../sampling/noise.ts';
import { videoDecoder } from '../video-decoder.ts';
import type { AxisTile, DecodeTiling } from './decode-tiles.ts';
import { blendedFrames, type DecodeOptions, decodeFrames, tilesOf } from './tiled-decoder.ts';

const fixtures = join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint');
const tiling: DecodeTiling = { tilePixels: 64, overlapPixels: 32, tileFrames: 16, overlapFrames: 8 };

let checkpoint: Checkpoint;
let decoder: Session;
beforeAll(async () => {
  checkpoint = await openCheckpoint(join(fixtures, 'ltx-2-tiny.safetensors'));
  decoder = await Session.open(networkGraph(videoDecoder, graphTargets.cpu, checkpoint, configOf(checkpoint, 'vae')));
});
afterAll(() => decoder[Symbol.asyncDispose]());

function noise(f: number, h: number, w: number): HostTensor<'float32'> {
  return floatTensor(seededNormals(1, 0, 4 * f * h * w), [1, 4, f, h, w]);
}

async function collect(latent: HostTensor<'float32'>, options?: DecodeOptions): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decodeFrames(decoder, latent, options)) chunks.push(chunk);
  return chunks;
}

test('one tile gives the bytes of the network that ends in RGB24', async () => {
  const latent = noise(3, 2, 3);
  const chunks = await collect(latent);
  const frameBytes = 64 * 96 * 3;
  expect(chunks.map((chunk) => chunk.length / frameBytes)).toEqual([17]);
  const { frames } = await runOnce(
    networkGraph(rgbVideoDecoder, graphTargets.cpu, checkpoint, configOf(checkpoint, 'vae')),
    { latent },
  );
  expect(frames?.shape).toEqual([17, 64, 96, 3]);
  expect(Buffer.concat(chunks).equals(frames?.data as Uint8Array)).toBe(true);
});

test.for([
  { size: [5, 3, 2], overlapFrames: 8 },
  { size: [5, 2, 2], overlapFrames: 0 },
  { size: [6, 2, 2], overlapFrames: 16 },
])('streamed blending equals the weighted mean over the whole clip: $size', async ({ size, overlapFrames }) => {
  const [f, h, w] = size as [number, number, number];
  const latent = noise(f, h, w);
  const tiles = tilesOf(latent, { ...tiling, tileFrames: 24, overlapFrames });
  const expected = await blendWholeClip(latent, tiles.time, tiles.height, tiles.width);
  const plane = 32 * h * 32 * w;
  let frame = 0;
  let worst = 0;
  for await (const { data, offset, planeStride } of blendedFrames(decoder, latent, tiles)) {
    for (let channel = 0; channel < 3; channel++) {
      for (let at = 0; at < plane; at++) {
        const wanted = expected[(channel * (8 * f - 7) + frame) * plane + at] ?? Number.NaN;
        worst = Math.max(worst, Math.abs((data[offset + channel * planeStride + at] ?? Number.NaN) - wanted));
      }
    }
    frame++;
  }
  expect(frame).toBe(8 * f - 7);
  expect(worst).toBeLessThan(1e-5);
});

/** Σ w·tile / Σ w with both sums over all tiles. */
async function blendWholeClip(
  latent: HostTensor<'float32'>,
  time: readonly AxisTile[],
  height: readonly AxisTile[],
  width: readonly AxisTile[],
): Promise<Float32Array> {
  const [T, H, W] = [time, height, width].map((axis) => axis.at(-1)?.outputEnd ?? 0) as [number, number, number];
  const [sums, weights] = [new Float64Array(3 * T * H * W), new Float64Array(3 * T * H * W)];
  for (const t of time) {
    for (const y of height) {
      for (const x of width) {
        const video = floats(await decoder.run({ latent: part(latent, t, y, x) }), 'video');
        const [, , frames = 0, rows = 0, columns = 0] = video.shape;
        video.data.forEach((value, index) => {
          const at = [index % columns, Math.floor(index / columns) % rows, Math.floor(index / columns / rows) % frames];
          const [column, row, frame] = at as [number, number, number];
          const channel = Math.floor(index / columns / rows / frames);
          const weight = (t.weights[frame] ?? 0) * (y.weights[row] ?? 0) * (x.weights[column] ?? 0);
          const to = ((channel * T + t.outputStart + frame) * H + y.outputStart + row) * W + x.outputStart + column;
          sums[to] = (sums[to] ?? 0) + weight * value;
          weights[to] = (weights[to] ?? 0) + weight;
        });
      }
    }
  }
  return Float32Array.from(sums, (sum, index) => sum / Math.max(weights[index] ?? 0, 1e-8));
}

function part(latent: HostTensor<'float32'>, t: AxisTile, y: AxisTile, x: AxisTile): HostTensor<'float32'> {
  const [, C = 0, f = 0, h = 0, w = 0] = latent.shape;
  const values: number[] = [];
  for (let c = 0; c < C; c++)
    for (let i = t.start; i < t.end; i++)
      for (let j = y.start; j < y.end; j++)
        for (let k = x.start; k < x.end; k++) values.push(latent.data[((c * f + i) * h + j) * w + k] ?? 0);
  return floatTensor(Float32Array.from(values), [1, C, t.end - t.start, y.end - y.start, x.end - x.start]);
}

test('a crop is the same part of the whole frames', async () => {
  const latent = noise(3, 3, 2);
  const whole = Buffer.concat(await collect(latent, { tiling }));
  const crop = { top: 5, left: 3, height: 70, width: 50 };
  const cropped = Buffer.concat(await collect(latent, { tiling, crop }));
  expect(cropped.length).toBe(17 * 70 * 50 * 3);
  const row = (16 * 96 + 5 + 69) * 64 * 3 + 3 * 3;
  expect(cropped.subarray(-50 * 3)).toEqual(whole.subarray(row, row + 50 * 3));
  await expect(collect(latent, { tiling, crop: { ...crop, left: 20 } })).rejects.toThrow('leaves the 64×96 frame');
});

test('what is held for blending depends on the tile, not on the length of the clip', async () => {
  const peak = async (frames: number): Promise<number> => {
    let most = 0;
    const onTile = ({ retainedFloats }: { retainedFloats: number }): void => {
      most = Math.max(most, retainedFloats);
    };
    await collect(noise(frames, 3, 2), { tiling, onTile });
    return most;
  };
  const [short, long] = [await peak(5), await peak(17)];
  expect(long).toBe(short);
  // The four tiles of a stretch of time, which decode 3 latents (17 frames) of 64×64 each; of 96×64 pixels, the 9 frames
  // shared with the stretch before, and the one handed out.
  expect(long).toBeLessThanOrEqual(3 * (4 * 17 * 64 * 64 + (9 + 1) * 96 * 64));
});

test('an abort stops the decode before the next tile', async () => {
  const controller = new AbortController();
  let tiles = 0;
  const onTile = ({ done }: { done: number }): void => {
    tiles = done;
    if (done === 2) controller.abort();
  };
  const decoding = collect(noise(5, 3, 2), { tiling, signal: controller.signal, onTile });
  await expect(decoding).rejects.toMatchObject({ name: 'SoundstageError', kind: 'cancelled' });
  expect(tiles).toBe(2);
});
