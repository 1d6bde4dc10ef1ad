import { z } from 'zod';
import { networkGraph } from '../../graph/network.ts';
import { floatTensor, type HostTensor, hostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce, Session } from '../../graph/runtime/session.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { audioDecoder } from '../../ltx2/audio/audio-decoder.ts';
import { decodeAudio } from '../../ltx2/audio/audio-decoding.ts';
import { audioVaeConfigOf, unpatchifyAudio } from '../../ltx2/audio/audio-latents.ts';
import { vocoder, vocoderConfigOf } from '../../ltx2/audio/vocoder.ts';
import { configOf, upsamplerConfigOf } from '../../ltx2/config.ts';
import { patchifyLatent, unpatchifyLatent } from '../../ltx2/sampling/latent-tokens.ts';
import { spatialStride, temporalStride } from '../../ltx2/sampling/positions.ts';
import {
  addNoise,
  type ConditioningLatent,
  denoiseStage,
  estimateClean,
  eulerStep,
  mapTokens,
  type StageInputs,
  type TokenState,
  tokenTimesteps,
} from '../../ltx2/sampling/sampler.ts';
import { VelocityModel } from '../../ltx2/transformer/velocity.ts';
import { latentUpsampler } from '../../ltx2/video/latent-upsampler.ts';
import { elementAt } from '../../shared/element-at.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';
import { rgbVideoDecoder } from './rgb-video-decoder.ts';
import { bundleFile, withoutBatch } from './transformer-cases.ts';

export const pipelineEvaluators: Evaluators = {
  denoise_step: async (parityCase) => {
    const params = parityCase.params(stepParams);
    const read = async (name: string): Promise<Float32Array> => (await parityCase.floats(name)).data;
    const { shape } = await parityCase.floats('clean');
    const state = { channels: elementAt(shape, 2), clean: await read('clean'), mask: await read('mask') };
    if (params.part === 'noise') {
      const apply = params.noiser === 'old' ? addNoiseLegacy : addNoise;
      return { x: floatTensor(apply(state, await read('x_init'), await read('noise'), params.noise_scale), shape) };
    }
    const sigma = elementAt(params.sigmas, params.step_index);
    const next = elementAt(params.sigmas, params.step_index + 1);
    const x = await read('x');
    const { x0, blended } = estimateClean(state, x, await read('velocity'), sigma);
    return {
      timesteps: floatTensor(tokenTimesteps(state.mask, sigma), [1, state.mask.length, 1]),
      x0: floatTensor(x0, shape),
      x0_blended: floatTensor(blended, shape),
      x_next: floatTensor(eulerStep(x, blended, sigma, next), shape),
    };
  },

  pipeline_two_stage: async (parityCase) => {
    const params = parityCase.params(pipelineParams);
    const checkpoint = await openCheckpoint(parityCase.file(bundleFile));
    await using model = new VelocityModel(checkpoint, { target: parityCase.target });
    const outputs: Record<string, HostTensor> = {};
    const { in_channels: channels } = model.config;

    const first = await denoiseStage(model, await stageInputs(parityCase, params, 1));
    const half = params.multiscale ? 2 : 1;
    const size1 = latentSize(params, half);
    outputs.stage1_start = floatTensor(first.start, [1, first.start.length / channels, channels]);
    let last = first;
    let latent = unpatchifyLatent(first.video, size1);
    outputs.stage1_latent = latent;
    if (params.multiscale) {
      latent = await upsample(parityCase, checkpoint, latent);
      outputs.upsampled_latent = latent;
      last = await denoiseStage(model, {
        ...(await stageInputs(parityCase, params, 2)),
        initialVideo: patchifyLatent(latent),
      });
      latent = unpatchifyLatent(last.video, latentSize(params, 1));
      outputs.stage2_latent = latent;
    }
    outputs.frames = await decode(parityCase, checkpoint, latent);
    if (params.audio_strength < 1) {
      const audioLatent = (tokens: Float32Array): HostTensor<'float32'> => {
        const width = model.config.audio_in_channels;
        const config = audioVaeConfigOf(checkpoint);
        return unpatchifyAudio(
          floatTensor(tokens, [1, tokens.length / width, width]),
          config.model.params.ddconfig.z_channels,
        );
      };
      if (params.multiscale) outputs.stage1_audio_latent = audioLatent(first.audio);
      const lastAudioLatent = audioLatent(last.audio);
      outputs.audio_latent = lastAudioLatent;
      Object.assign(outputs, await decodeSound(parityCase, checkpoint, lastAudioLatent));
    }
    return outputs;
  },
};

/** The older form `noise·(m·s) + initial·(1−m·s)`; `initial` holds the clean tokens where the mask is below 1. */
function addNoiseLegacy(
  { channels, mask }: TokenState,
  initial: Float32Array,
  noise: Float32Array,
  scale: number,
): Float32Array {
  return mapTokens(channels, mask, (at, m) => {
    const level = Math.fround(m * Math.fround(scale));
    return (noise[at] as number) * level + (initial[at] as number) * (1 - level);
  });
}

const stepParams = z.discriminatedUnion('part', [
  z.object({ part: z.literal('noise'), noiser: z.enum(['new', 'old']), noise_scale: z.number() }),
  z.object({ part: z.literal('step'), sigmas: z.array(z.number()), step_index: z.number() }),
]);

const pipelineParams = z.object({
  frames: z.number(),
  height: z.number(),
  width: z.number(),
  fps: z.number(),
  multiscale: z.boolean(),
  audio_strength: z.number(),
  first_image_strength: z.number().nullable(),
  end_image_strength: z.number().nullable(),
  stage1_sigmas: z.array(z.number()),
  stage2_sigmas: z.array(z.number()).optional(),
  state_dtype: z.literal('float32'),
  noiser: z.literal('new'),
  av_timestep_variant: z.literal('own'),
  keyframe_extent: z.literal('narrow'),
});
type PipelineParams = z.infer<typeof pipelineParams>;

function latentSize({ frames, height, width }: PipelineParams, divisor: number): StageInputs['size'] {
  return {
    frames: Math.floor((frames - 1) / temporalStride) + 1,
    height: height / spatialStride / divisor,
    width: width / spatialStride / divisor,
  };
}

async function stageInputs(parityCase: ParityCase, params: PipelineParams, stage: 1 | 2): Promise<StageInputs> {
  const image = async (name: string, strength: number | null): Promise<ConditioningLatent | undefined> =>
    strength === null ? undefined : { latent: await parityCase.floats(`${name}_latent_stage${stage}`), strength };
  const endImage = await image('end_image', params.end_image_strength);
  const audioNoise = `audio_noise_stage${stage}`;
  return {
    size: latentSize(params, params.multiscale && stage === 1 ? 2 : 1),
    fps: params.fps,
    sigmas: stage === 1 ? params.stage1_sigmas : (params.stage2_sigmas ?? []),
    reusedSteps: [],
    text: {
      video: withoutBatch(await parityCase.floats('video_context')),
      audio: withoutBatch(await parityCase.floats('audio_context')),
    },
    audioTokens: (await parityCase.floats('audio_tokens')).data,
    audioStrength: params.audio_strength,
    opening: await image('first_image', params.first_image_strength),
    keyframes: endImage === undefined ? [] : [{ ...endImage, frameIndex: params.frames - 1, frames: 1 }],
    videoNoise: (await parityCase.floats(`video_noise_stage${stage}`)).data,
    audioNoise: parityCase.has(audioNoise) ? (await parityCase.floats(audioNoise)).data : undefined,
  };
}

async function upsample(
  parityCase: ParityCase,
  bundle: Checkpoint,
  latent: HostTensor<'float32'>,
): Promise<HostTensor<'float32'>> {
  const upscaler = await openCheckpoint(parityCase.file('ltx-2-tiny-spatial-upscaler-x2.safetensors'));
  const weights = joinCheckpoints(upscaler, bundle);
  const graph = networkGraph(latentUpsampler, parityCase.target, weights, upsamplerConfigOf(upscaler));
  return floats(await runOnce(graph, { latent }), 'upsampled');
}

async function decode(
  { target }: ParityCase,
  checkpoint: Checkpoint,
  latent: HostTensor<'float32'>,
): Promise<HostTensor> {
  const graph = networkGraph(rgbVideoDecoder, target, checkpoint, configOf(checkpoint, 'vae'));
  const { frames } = await runOnce(graph, { latent });
  if (frames?.dtype !== 'uint8') throw new Error('the decoder made no frames');
  return hostTensor('uint8', frames.data as Uint8Array, frames.shape);
}

async function decodeSound(
  { target }: ParityCase,
  checkpoint: Checkpoint,
  latent: HostTensor<'float32'>,
): Promise<Record<string, HostTensor>> {
  const config = vocoderConfigOf(checkpoint);
  await using decoder = await Session.open(
    networkGraph(audioDecoder, target, checkpoint, audioVaeConfigOf(checkpoint)),
  );
  await using synthesizer = await Session.open(networkGraph(vocoder, target, checkpoint, config));
  const { mel, waveform } = await decodeAudio(decoder, synthesizer, config, latent);
  return { mel, waveform: floatTensor(waveform, [2, waveform.length / 2]) };
}
