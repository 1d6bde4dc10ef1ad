import { z } from 'zod';
import { type Feeds, floatInput, network, networkGraph } from '../../graph/network.ts';
import { reshape } from '../../graph/operations/shapes.ts';
import { floatTensor, type HostTensor, indexTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce, type Tensors } from '../../graph/runtime/session.ts';
import { knownLength } from '../../graph/value.ts';
import { type Checkpoint, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { type AdaptableModules, adaptableModules } from '../../ltx2/adaptable-modules.ts';
import { axisMidpoints, rotaryTables } from '../../ltx2/layers/rotary.ts';
import { mappedAdapters } from '../../ltx2/lora/adapters.ts';
import { type AppliedLora, readLora } from '../../ltx2/lora/lora.ts';
import { temporalStride, videoPositions } from '../../ltx2/sampling/positions.ts';
import { timestepModulation } from '../../ltx2/transformer/modulation.ts';
import { transformerLinears, transformerPath } from '../../ltx2/transformer/modules.ts';
import { distinctTimesteps, sinusoidWidth, timestepSinusoid } from '../../ltx2/transformer/timestep-sinusoid.ts';
import { transformerConfigOf } from '../../ltx2/transformer/transformer.ts';
import { VelocityModel } from '../../ltx2/transformer/velocity.ts';
import { elementAt } from '../../shared/element-at.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';
import { referenceTransformer, timestepVariants } from './reference-transformer.ts';

export const bundleFile = 'ltx-2-tiny.safetensors';
const fp8BundleFile = 'ltx-2-tiny-fp8.safetensors';

export const transformerEvaluators: Evaluators = {
  video_positions: async (parityCase) => {
    const { latent_frames, latent_height, latent_width, fps, keyframe } = parityCase.params(positionParams);
    const size = { frames: latent_frames, height: latent_height, width: latent_width };
    // Before 2026-04-23 the reference let an image cover a whole latent frame.
    const appended = keyframe && {
      frameIndex: keyframe.frame_idx,
      frames: keyframe.extent === 'narrow' ? 1 : temporalStride,
    };
    const { tokens, bounds } = videoPositions(size, fps, appended && [appended]);
    return { positions: floatTensor(bounds, [1, 3, tokens, 2]) };
  },

  rope_tables: async (parityCase) => {
    const { kind, dim, heads, max_pos } = parityCase.params(ropeParams);
    const { data, shape } = await parityCase.floats('positions');
    const tokens = elementAt(shape, 2);
    const axes = kind === 'av_cross' || kind === 'connector' ? 1 : elementAt(shape, 1);
    const midpoints =
      kind === 'connector' ? [data] : Array.from({ length: axes }, (_, axis) => axisMidpoints(data, tokens, axis));
    const tables = rotaryTables(midpoints, { dim, maxPositions: max_pos, theta: 10000 });
    return { cos: headsFirst(tables.cos.data, tokens, heads), sin: headsFirst(tables.sin.data, tokens, heads) };
  },

  timestep_embedding: async (parityCase) => {
    const { part, adaln } = parityCase.params(timestepParams);
    if (part === 'sinusoid') {
      const { data } = await parityCase.floats('timestep');
      return { embedding: floatTensor(timestepSinusoid(data), [data.length, sinusoidWidth]) };
    }
    const checkpoint = await openCheckpoint(parityCase.file(bundleFile));
    const scale = transformerConfigOf(checkpoint).timestep_scale_multiplier;
    const { data } = await parityCase.floats('sigma');
    const graph = networkGraph(timestepModule, parityCase.target, checkpoint, {
      module: adaln ?? '',
      count: data.length,
    });
    const scaled = timestepSinusoid(data.map((sigma) => sigma * scale));
    return runOnce(graph, { sinusoid: floatTensor(scaled, [data.length, sinusoidWidth]) });
  },

  dit: (parityCase) => evaluateTransformer(parityCase, bundleFile),
  dit_lora: (parityCase) => evaluateTransformer(parityCase, bundleFile),
  dit_fp8: (parityCase) => evaluateTransformer(parityCase, fp8BundleFile),

  lora_inspect: async (parityCase) => {
    const { file, expect } = parityCase.params(inspectParams);
    const checkpoint = await openCheckpoint(parityCase.file(bundleFile));
    const lora = await readLora(parityCase.file(file), linearsOf(checkpoint));
    const found = {
      matched: [...lora.changes.keys()].sort(),
      shape_mismatch: lora.shapeMismatch,
      unmatched: lora.unmatched,
    };
    for (const list of ['matched', 'shape_mismatch', 'unmatched'] as const) {
      const [actual, expected] = [JSON.stringify(found[list]), JSON.stringify(expect[list])];
      if (actual !== expected) throw new Error(`${list} is ${actual}, not ${expected}`);
    }
    return {};
  },
};

/** A timestep module by itself. */
const timestepModule = network({
  inputs: ({ count }: { module: string; count: number }) => ({ sinusoid: floatInput(count, sinusoidWidth) }),
  build(_, weights, { sinusoid }, { module, count }) {
    const inModule = weights.at(transformerPath).at(module);
    const { rows, embedded } = timestepModulation(inModule, { sinusoid, index: undefined });
    return { modulation: reshape(rows, [count, knownLength(rows, 1) * knownLength(rows, 2)]), embedded };
  },
});

const positionParams = z.object({
  latent_frames: z.number(),
  latent_height: z.number(),
  latent_width: z.number(),
  fps: z.number(),
  keyframe: z.object({ frame_idx: z.number(), extent: z.enum(['narrow', 'wide']) }).optional(),
});
const ropeParams = z.object({
  kind: z.enum(['video_self', 'audio_self', 'av_cross', 'connector']),
  dim: z.number(),
  heads: z.number(),
  max_pos: z.array(z.number()),
});
const timestepParams = z.object({ part: z.enum(['sinusoid', 'adaln']), adaln: z.string().optional() });
const inspectParams = z.object({
  file: z.string(),
  expect: z.object({
    matched: z.array(z.string()),
    shape_mismatch: z.array(z.string()),
    unmatched: z.array(z.string()),
  }),
});
const transformerParams = z.object({
  variant: z.enum(timestepVariants),
  loras: z.array(z.object({ file: z.string(), strength: z.number() })).default([]),
});

/** The graph that also exposes the streams after the first block, fed like the velocity model feeds its own. */
async function evaluateTransformer(parityCase: ParityCase, bundle: string): Promise<Tensors> {
  const { variant, loras } = parityCase.params(transformerParams);
  const checkpoint = await openCheckpoint(parityCase.file(bundle));
  const applied = await readLoras(parityCase, checkpoint, loras);
  await using model = new VelocityModel(checkpoint, { target: parityCase.target });
  const form = { config: model.config, variant, perToken: { video: true, audio: true } };
  const graph = networkGraph(referenceTransformer, parityCase.target, checkpoint, form, mappedAdapters(applied));
  const read = async (name: string): Promise<Float32Array> => (await parityCase.floats(name)).data;
  const rows = async (name: string): Promise<HostTensor<'float32'>> => withoutBatch(await parityCase.floats(name));
  const [videoBounds, audioBounds] = [await read('video_positions'), await read('audio_positions')];
  const stage = model.prepareStage(
    { tokens: videoBounds.length / 6, bounds: videoBounds },
    { tokens: audioBounds.length / 2, bounds: audioBounds },
    { video: await rows('video_context'), audio: await rows('audio_context') },
  );
  const scale = model.config.timestep_scale_multiplier;
  const sinusoid = (timesteps: Float32Array): HostTensor =>
    floatTensor(timestepSinusoid(timesteps.map((timestep) => timestep * scale)), [timesteps.length, sinusoidWidth]);
  const step = async (stream: 'video' | 'audio') => {
    const { values, index } = distinctTimesteps(await read(`${stream}_timesteps`));
    return {
      tokens: await rows(`${stream}_tokens`),
      timestep: { sinusoid: sinusoid(values), index: indexTensor(index) },
      residual: undefined,
    };
  };
  const sigma = async (stream: 'video' | 'audio') =>
    variant === 'own' ? undefined : sinusoid(await read(`${stream}_sigma`));
  const feeds: Feeds<typeof referenceTransformer> = {
    video: { ...stage.video, ...(await step('video')) },
    audio: { ...stage.audio, ...(await step('audio')) },
    sigma: { video: await sigma('video'), audio: await sigma('audio') },
  };
  const results = await runOnce(graph, feeds);
  return {
    video_velocity: withBatch(floats(results, 'velocity.video')),
    audio_velocity: withBatch(floats(results, 'velocity.audio')),
    block0_video: withBatch(floats(results, 'firstBlock.video')),
    block0_audio: withBatch(floats(results, 'firstBlock.audio')),
  };
}

/** The recorded cases know of no other modules that a LoRA may change. */
function linearsOf(checkpoint: Checkpoint): AdaptableModules {
  return new Map(
    [...transformerLinears(checkpoint)].map(([module, { outputs, inputs }]) => [
      module,
      { shape: [outputs, inputs], isLinear: true },
    ]),
  );
}

async function readLoras(
  parityCase: ParityCase,
  checkpoint: Checkpoint,
  loras: readonly { file: string; strength: number }[],
): Promise<AppliedLora[]> {
  const modules = adaptableModules(checkpoint);
  return Promise.all(
    loras.map(async ({ file, strength }) => ({ lora: await readLora(parityCase.file(file), modules), strength })),
  );
}

function headsFirst(table: Float32Array, tokens: number, heads: number): HostTensor {
  const width = table.length / tokens / heads;
  const result = new Float32Array(table.length);
  for (let token = 0; token < tokens; token++) {
    for (let head = 0; head < heads; head++) {
      const from = (token * heads + head) * width;
      result.set(table.subarray(from, from + width), (head * tokens + token) * width);
    }
  }
  return floatTensor(result, [1, heads, tokens, width]);
}

export function withoutBatch({ data, shape }: HostTensor<'float32'>): HostTensor<'float32'> {
  return floatTensor(data, shape.slice(1));
}

export function withBatch({ data, shape }: HostTensor<'float32'>): HostTensor<'float32'> {
  return floatTensor(data, [1, ...shape]);
}
