import { join } from 'node:path';
import { expect, test } from 'vitest';
import { graphTargets } from '../../graph/graph-target.ts';
import { networkGraph } from '../../graph/network.ts';
import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, Session } from '../../graph/runtime/session.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { configOf } from '../config.ts';
import { seededNormals } from '../sampling/noise.ts';
import { fitLatentPreview, previewFrames } from './latent-preview.ts';
import { videoDecoder } from './video-decoder.ts';

const bundle = join(import.meta.dirname, '../../../test/fixtures/parity/checkpoint/ltx-2-tiny.safetensors');

test('the fitted preview follows the decoded colors; a random projection does not', async () => {
  const checkpoint = await openCheckpoint(bundle);
  await using decoder = await Session.open(
    networkGraph(videoDecoder, graphTargets.cpu, checkpoint, configOf(checkpoint, 'vae')),
  );
  const preview = await fitLatentPreview(decoder);

  const latent = floatTensor(seededNormals(7, 0, 4 * 16 * 16), [1, 4, 1, 16, 16]);
  const video = floats(await decoder.run({ latent }), 'video');
  const wanted = downscaled(video, 16);
  const shown = previewFrames(preview, latent);
  expect(shown.shape).toEqual([1, 16, 16, 3]);
  const random = { projection: Float64Array.from(seededNormals(9, 0, 5 * 3)) };
  const fit = correlation(wanted, Float64Array.from(shown.data));
  const chance = correlation(wanted, Float64Array.from(previewFrames(random, latent).data));
  expect(fit).toBeGreaterThan(0.8);
  expect(Math.abs(chance)).toBeLessThan(0.5);
});

/** Mean color of 32×32 blocks of one frame, `[side, side, 3]`. */
function downscaled({ data }: HostTensor<'float32'>, side: number): Float64Array {
  const means = new Float64Array(side * side * 3);
  data.forEach((value, index) => {
    const [channel, y, x] = [
      Math.floor(index / (32 * side) ** 2),
      Math.floor(index / (32 * side)) % (32 * side),
      index % (32 * side),
    ];
    const at = (Math.floor(y / 32) * side + Math.floor(x / 32)) * 3 + channel;
    means[at] = (means[at] ?? 0) + Math.min(1, Math.max(-1, value)) / 1024;
  });
  return means;
}

function correlation(a: Float64Array, b: Float64Array): number {
  const centered = (values: Float64Array): Float64Array => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [p, q] = [centered(a), centered(b)];
  const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q) || 1);
}
