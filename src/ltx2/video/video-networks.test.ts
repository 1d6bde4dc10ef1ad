import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { rgbVideoDecoder } from '../../cli/parity/rgb-video-decoder.ts';
import { formatShape, symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { networkGraph } from '../../graph/network.ts';
import { reflectEdges, slice } from '../../graph/operations/shapes.ts';
import { floatTensor } from '../../graph/runtime/host-tensor.ts';
import { runOnce } from '../../graph/runtime/session.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { configOf, upsamplerConfigOf } from '../config.ts';
import { latentUpsampler } from './latent-upsampler.ts';
import { depthToSpace, patchify, spaceToDepth, unpatchify } from './space-to-depth.ts';
import { videoDecoder } from './video-decoder.ts';
import { videoEncoder } from './video-encoder.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/parity/checkpoint');

let bundle: Checkpoint;
let upscaler: Checkpoint;
beforeAll(async () => {
  bundle = await openCheckpoint(join(fixtures, 'ltx-2-tiny.safetensors'));
  upscaler = await openCheckpoint(join(fixtures, 'ltx-2-tiny-spatial-upscaler-x2.safetensors'));
});

function outputs({ outputs: values }: GraphModel): string[] {
  return values.map(({ name, dtype, shape }) => `${name} ${dtype} ${formatShape(shape)}`);
}

test.for(Object.values(graphTargets))('all networks are built for $device in $arithmetic', (target) => {
  expect(outputs(networkGraph(videoEncoder, target, bundle, configOf(bundle, 'vae')))).toEqual([
    'latent float32 [1, 4, f+1, h, w]',
  ]);
  expect(outputs(networkGraph(videoDecoder, target, bundle, configOf(bundle, 'vae')))).toEqual([
    'video float32 [1, 3, 8*f-7, 32*h, 32*w]',
  ]);
  expect(outputs(networkGraph(rgbVideoDecoder, target, bundle, configOf(bundle, 'vae')))).toEqual([
    'frames uint8 [8*f-7, 32*h, 32*w, 3]',
  ]);
  expect(
    outputs(networkGraph(latentUpsampler, target, joinCheckpoints(upscaler, bundle), upsamplerConfigOf(upscaler))),
  ).toEqual(['upsampled float32 [1, 4, f, 2*h, 2*w]']);
});

test('a block this project does not know is refused by name', () => {
  const vae = (bundle.config as { vae: object }).vae;
  const altered = { ...bundle, config: { vae: { ...vae, decoder_blocks: [['attn_res_x', {}]] } } };
  expect(() => networkGraph(videoDecoder, graphTargets.cpu, altered, configOf(altered, 'vae'))).toThrow(
    '"attn_res_x" is not supported',
  );
});

test('unfolding undoes folding, and patches are numbered along the height first', async () => {
  const x = floatTensor(
    Float32Array.from({ length: 2 * 4 * 8 * 8 }, (_, index) => index),
    [1, 2, 4, 8, 8],
  );
  const g = new Graph(graphTargets.cpu);
  const input = g.input('x', 'float32', x.shape);
  g.output('blocks', depthToSpace(spaceToDepth(input, [2, 1, 4]), [2, 1, 4]));
  g.output('patches', unpatchify(patchify(input, 4), 4));
  g.output('second', slice(patchify(input, 4), 1, 1, 2));
  const { blocks, patches, second } = await runOnce(g.build(), { x });
  expect(blocks).toEqual(x);
  expect(patches).toEqual(x);
  expect(second?.data.slice(0, 3)).toEqual(Float32Array.of(8, 12, 40));
});

test('edges are reflected the same way by slices as by padding', async () => {
  const x = floatTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 1, 2, 3]);
  const [padded, joined] = await Promise.all(
    (['cpu', 'cuda'] as const).map(async (device) => {
      const g = new Graph({ ...graphTargets[device], device: 'cpu', executionProvider: 'cpu' });
      g.output('y', reflectEdges(g.activation('x', [1, 1, symbol('h'), symbol('w')]), [2, 3]));
      return (await runOnce(g.build(), { x })).y;
    }),
  );
  expect(padded?.data).toEqual(Float32Array.of(5, 4, 5, 6, 5, 2, 1, 2, 3, 2, 5, 4, 5, 6, 5, 2, 1, 2, 3, 2));
  expect(joined).toEqual(padded);
});
