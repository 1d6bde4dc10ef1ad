// Each network alone, as GFLOP/s and as a share of this machine's own matrix multiplication, both measured in turn in
// one run so that a busy neighbor slows both. Usage: npm run bench, or node bench/networks.ts [--device cuda] [name…]

import { join } from 'node:path';
import { evaluateDimension } from '../src/graph/dimension.ts';
import type { GraphModel } from '../src/graph/graph-model.ts';
import { graphTargets } from '../src/graph/graph-target.ts';
import { networkGraph } from '../src/graph/network.ts';
import { type HostTensor, indexTensor } from '../src/graph/runtime/host-tensor.ts';
import { Session, type SessionOptions } from '../src/graph/runtime/session.ts';
import type { TensorGroup } from '../src/graph/tensor-group.ts';
import { joinCheckpoints, openCheckpoint } from '../src/graph/weights/checkpoint.ts';
import { configOf, upsamplerConfigOf } from '../src/ltx2/config.ts';
import { textContext, textContextFeeds } from '../src/ltx2/text/context/text-context.ts';
import { openTextEncoder } from '../src/ltx2/text/gemma/gemma-folder.ts';
import { transformerConfigOf } from '../src/ltx2/transformer/transformer.ts';
import { latentUpsampler } from '../src/ltx2/video/latent-upsampler.ts';
import { videoDecoder } from '../src/ltx2/video/video-decoder.ts';
import { videoEncoder } from '../src/ltx2/video/video-encoder.ts';
import { convolutionSession, transformerSession } from '../src/pipeline/engine/session-options.ts';
import { benchmarkArguments } from './benchmark-arguments.ts';
import { benchmarkSizes, randomCheckpoint } from './checkpoint/random-checkpoint.ts';
import { denoiser } from './denoiser.ts';
import { MatmulCeiling, median, someValues } from './stopwatch.ts';

interface Network {
  readonly name: string;
  readonly graph: GraphModel;
  readonly feeds: TensorGroup<HostTensor>;
  /** Symbolic sizes, for counting operations. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly session: SessionOptions;
}

const { device, words } = await benchmarkArguments();
const target = graphTargets[device];
const folder = await randomCheckpoint(join(import.meta.dirname, 'work'), benchmarkSizes);
const bundle = await openCheckpoint(join(folder, 'random.safetensors'));
const upscaler = await openCheckpoint(join(folder, 'random-spatial-upscaler-x2.safetensors'));
const channels = benchmarkSizes.latentChannels;

const networks: readonly (() => Promise<Network> | Network)[] = [
  () => transformerNetwork('transformer, 3,072 tokens', { frames: 16, height: 12, width: 16 }),
  () => transformerNetwork('transformer, 12,288 tokens', { frames: 16, height: 24, width: 32 }),
  () => ({
    name: 'video decoder, 512×384×57',
    graph: networkGraph(videoDecoder, target, bundle, configOf(bundle, 'vae')),
    feeds: { latent: someValues([1, channels, 8, 12, 16]) },
    sizes: { f: 8, h: 12, w: 16 },
    session: convolutionSession,
  }),
  () => ({
    name: 'video encoder, one image 512×384',
    graph: networkGraph(videoEncoder, target, bundle, configOf(bundle, 'vae')),
    feeds: { video: someValues([1, 3, 1, 384, 512]) },
    sizes: { f: 0, h: 12, w: 16 },
    session: convolutionSession,
  }),
  () => ({
    name: 'latent upsampler, 16×12×16',
    graph: networkGraph(latentUpsampler, target, joinCheckpoints(upscaler, bundle), {
      ...upsamplerConfigOf(upscaler),
      size: target.hasOwnMemory ? undefined : { frames: 16, height: 12, width: 16 },
    }),
    feeds: { latent: someValues([1, channels, 16, 12, 16]) },
    sizes: { f: 16, h: 12, w: 16 },
    session: convolutionSession,
  }),
  textEncoder,
];

await using ceiling = await MatmulCeiling.open(target);
const wanted = words.join(' ');
process.stdout.write(`${'network'.padEnd(34)}   seconds   GFLOP   GFLOP/s   ceiling   share\n`);
for (const make of networks) {
  const network = await make();
  if (network.name.includes(wanted)) await measure(network);
}

async function measure({ name, graph, feeds, sizes, session: options }: Network): Promise<void> {
  const flops = evaluateDimension(graph.flops, new Map(Object.entries(sizes)));
  if (flops === undefined) throw new Error(`${name}: sizes do not determine ${graph.flops}`);
  await using session = await Session.open(graph, options);
  await session.run(feeds);
  const runs: { seconds: number; ceiling: number }[] = [];
  for (let run = 0; run < 5; run++) {
    const before = await ceiling.measure();
    const started = performance.now();
    await session.run(feeds);
    const seconds = (performance.now() - started) / 1000;
    runs.push({ seconds, ceiling: Math.max(before, await ceiling.measure()) });
  }
  const seconds = median(runs.map((run) => run.seconds));
  const best = median(runs.map((run) => run.ceiling));
  const share = median(runs.map((run) => flops / run.seconds / 1e9 / run.ceiling));
  const columns = [seconds.toFixed(3).padStart(10), (flops / 1e9).toFixed(0).padStart(8)];
  columns.push((flops / seconds / 1e9).toFixed(0).padStart(10), best.toFixed(0).padStart(10));
  process.stdout.write(`${name.padEnd(34)}${columns.join('')}${`${(share * 100).toFixed(0)} %`.padStart(8)}\n`);
}

async function transformerNetwork(name: string, size: Parameters<typeof denoiser>[2]): Promise<Network> {
  return { name, ...(await denoiser(bundle, target, size)), session: transformerSession };
}

async function textEncoder(): Promise<Network> {
  const encoder = await openTextEncoder(join(folder, 'gemma'));
  const config = { encoder, transformer: transformerConfigOf(bundle), length: 1024 };
  const n = 128;
  return {
    name: 'text encoder, 128 of 1,024 rows',
    graph: networkGraph(textContext, target, joinCheckpoints(encoder.checkpoint, bundle), config),
    feeds: { ids: indexTensor(Array.from({ length: n }, (_, i) => i + 3)), ...textContextFeeds(config) },
    sizes: { n },
    session: transformerSession,
  };
}
