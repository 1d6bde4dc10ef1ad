import type { HostTensor } from '../../graph/runtime/host-tensor.ts';
import { audioPositions } from '../../ltx2/audio/audio-latents.ts';
import { addNoise, estimateClean, eulerStep, type TokenState, tokenTimesteps } from '../../ltx2/sampling/denoise.ts';
import { patchifyLatent, tokenCount } from '../../ltx2/sampling/latent-tokens.ts';
import { type LatentSize, videoPositions } from '../../ltx2/sampling/positions.ts';
import type { BlockResiduals, TextContexts, VelocityModel } from '../../ltx2/transformer/velocity.ts';
import { throwIfCancelled } from '../../shared/cancellation.ts';

/** An image as a latent of one frame `[1, C, 1, h, w]`, at the size of the stage. */
export interface ConditioningImage {
  readonly latent: HostTensor<'float32'>;
  /** 1 keeps the image, 0 ignores it. */
  readonly strength: number;
}

/** Everything one denoising stage works from. */
export interface StageInputs {
  readonly size: LatentSize;
  readonly fps: number;
  /** One more than there are steps; ends with 0. The first is also the noise scale. */
  readonly sigmas: readonly number[];
  /** Steps that reuse the block residuals of the step before instead of running all blocks. */
  readonly reusedSteps?: readonly number[];
  readonly text: TextContexts;
  readonly negativeText?: TextContexts | undefined;
  /** Tokens `[F·h·w, C]` to start from; absent: zeros. */
  readonly initialVideo?: Float32Array | undefined;
  /** Normalised tokens of the recording `[Ta, Ca]`. */
  readonly audioTokens: Float32Array;
  /** 1 keeps the recording, 0 generates the sound freely. */
  readonly audioStrength: number;
  readonly firstImage?: ConditioningImage | undefined;
  readonly endImage?: (ConditioningImage & { readonly frameIndex: number }) | undefined;
  /** Standard normals `[tokens, C]`, the end image's tokens last. */
  readonly videoNoise: Float32Array;
  /** Standard normals `[Ta, Ca]`; not needed when the audio is kept. */
  readonly audioNoise?: Float32Array | undefined;
}

export interface StepReport {
  /** Steps done, of `steps`. */
  readonly done: number;
  readonly steps: number;
  /** The clean video as estimated by this step, tokens `[F·h·w, C]`. */
  readonly estimate: Float32Array;
}

export interface StageHooks {
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
}

export interface StageResult {
  /** `[F·h·w, C]`, the end image's tokens dropped. */
  readonly video: Float32Array;
  /** `[Ta, Ca]` */
  readonly audio: Float32Array;
  /** The noised video tokens before the first step, the end image's included. */
  readonly start: Float32Array;
}

/** Denoises one stage: noise on top of the initial latent, then Euler steps of the distilled schedule. */
export async function denoiseStage(
  model: VelocityModel,
  inputs: StageInputs,
  hooks: StageHooks = {},
): Promise<StageResult> {
  const { sigmas, reusedSteps = [], size, fps, text, negativeText, endImage } = inputs;
  const { audioStrength, audioTokens, audioNoise } = inputs;
  const channels = model.config.in_channels;
  const videoState = videoTokenState(inputs, channels);
  const audioState = audioTokenState(audioTokens, audioStrength, model.config.audio_in_channels);
  const tokens = videoState.mask.length;
  const keyframe = endImage && { frameIndex: endImage.frameIndex, extent: 'narrow' as const };
  const stage = model.prepareStage(
    videoPositions(size, fps, keyframe),
    audioPositions(audioState.mask.length),
    text,
    negativeText,
  );
  const scale = sigmas[0] ?? 1;
  const initial = new Float32Array(tokens * channels);
  if (inputs.initialVideo !== undefined) initial.set(inputs.initialVideo);
  const start = addNoise(videoState, initial, inputs.videoNoise, scale);
  let video = start;
  let audio = audioNoise === undefined ? audioTokens : addNoise(audioState, audioTokens, audioNoise, scale);
  let residuals: BlockResiduals | undefined;
  const steps = sigmas.length - 1;
  for (let step = 0; step < steps; step++) {
    await throwIfCancelled(hooks.signal);
    const [sigma = 0, next = 0] = sigmas.slice(step, step + 2);
    const reused = reusedSteps.includes(step);
    // One graph for all full steps, recording or not: another would have to be opened.
    const record = !reused && reusedSteps.length > 0;
    const velocity = await model.evaluate(
      stage,
      { tokens: video, timesteps: tokenTimesteps(videoState.mask, sigma), sigma },
      { tokens: audio, timesteps: tokenTimesteps(audioState.mask, sigma), sigma },
      { record, replay: reused ? residuals : undefined },
    );
    if (!reused) residuals = velocity.residuals;
    const { blended } = estimateClean(videoState, video, velocity.video, sigma);
    video = eulerStep(video, blended, sigma, next);
    if (audioNoise !== undefined) {
      audio = eulerStep(audio, estimateClean(audioState, audio, velocity.audio, sigma).blended, sigma, next);
    }
    await hooks.onStep?.({ done: step + 1, steps, estimate: blended.subarray(0, tokenCount(size) * channels) });
  }
  return { video: video.slice(0, tokenCount(size) * channels), audio, start };
}

/** The first image overwrites the first latent frame; the end image's tokens follow the ordinary ones. */
function videoTokenState({ size, firstImage, endImage }: StageInputs, channels: number): TokenState {
  const ordinary = tokenCount(size);
  const perFrame = size.height * size.width;
  const tokens = ordinary + (endImage === undefined ? 0 : perFrame);
  const clean = new Float32Array(tokens * channels);
  const mask = new Float32Array(tokens).fill(1);
  const place = ({ latent, strength }: ConditioningImage, token: number): void => {
    clean.set(patchifyLatent(latent), token * channels);
    mask.fill(1 - strength, token, token + perFrame);
  };
  if (firstImage !== undefined) place(firstImage, 0);
  if (endImage !== undefined) place(endImage, ordinary);
  return { channels, clean, mask };
}

function audioTokenState(tokens: Float32Array, strength: number, channels: number): TokenState {
  return { channels, clean: tokens, mask: new Float32Array(tokens.length / channels).fill(1 - strength) };
}
