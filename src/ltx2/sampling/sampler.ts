import type { HostTensor } from '../../graph/runtime/host-tensor.ts';
import { throwIfCancelled } from '../../shared/cancellation.ts';
import type { Streams } from '../transformer/block.ts';
import type { BlockResiduals, TextContexts, VelocityModel } from '../transformer/velocity.ts';
import { patchifyLatent, tokenCount } from './latent-tokens.ts';
import { audioPositions, type Keyframe, type LatentSize, videoPositions } from './positions.ts';
import type { StepSchedule } from './schedule.ts';

/** Everything one denoising stage works from. */
export interface StageInputs extends StepSchedule {
  readonly size: LatentSize;
  readonly fps: number;
  readonly text: TextContexts;
  readonly negativeText?: TextContexts | undefined;
  /** Tokens `[F·h·w, C]` to start from; absent: zeros. */
  readonly initialVideo?: Float32Array | undefined;
  /** Normalized tokens of the recording `[Ta, Ca]`. */
  readonly audioTokens: Float32Array;
  /** 1 keeps the recording, 0 generates the sound freely. */
  readonly audioStrength: number;
  /** What the clip begins with: an image, or the last frames of the clip that it continues. */
  readonly opening?: ConditioningLatent | undefined;
  /** Images that stand for a moment each; their tokens follow the ordinary ones in this order. */
  readonly keyframes: readonly ConditioningKeyframe[];
  /** Standard normals `[tokens, C]`, those of the keyframes last. */
  readonly videoNoise: Float32Array;
  /** Standard normals `[Ta, Ca]`; not needed when the audio is kept. */
  readonly audioNoise?: Float32Array | undefined;
}

/** Known content as a latent `[1, C, F, h, w]`, at the size of the stage; an image has one frame. */
export interface ConditioningLatent {
  readonly latent: HostTensor<'float32'>;
  /** 1 keeps the content, 0 ignores it. */
  readonly strength: number;
}

export type ConditioningKeyframe = ConditioningLatent & Keyframe;

export interface StageHooks {
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
}

export interface StepReport {
  /** Steps done, of `steps`. */
  readonly done: number;
  readonly steps: number;
  /** The clean video as estimated by this step, tokens `[F·h·w, C]`. */
  readonly estimate: Float32Array;
}

export interface StageResult {
  /** `[F·h·w, C]`, the keyframes' tokens dropped. */
  readonly video: Float32Array;
  /** `[Ta, Ca]` */
  readonly audio: Float32Array;
  /** The noised video tokens before the first step, those of the keyframes included. */
  readonly start: Float32Array;
}

/**
 * Denoises one stage: noise on top of the initial latent, then Euler steps of the distilled schedule, each towards what the
 * transformer's velocity says the clean tokens are. Sound that is kept is told to the transformer as clean, and left alone.
 */
export async function denoiseStage(
  model: VelocityModel,
  inputs: StageInputs,
  { signal, onStep }: StageHooks = {},
): Promise<StageResult> {
  const { size, fps, text, negativeText, keyframes, sigmas, reusedSteps } = inputs;
  const { audioTokens, videoNoise, audioNoise } = inputs;
  const known: Streams<TokenState> = {
    video: videoState(inputs, model.config.in_channels),
    audio: audioState(inputs, model.config.audio_in_channels),
  };
  const positions = {
    video: videoPositions(size, fps, keyframes),
    audio: audioPositions(known.audio.mask.length),
  };
  const stage = model.prepareStage(positions.video, positions.audio, text, negativeText);

  const scale = sigmas[0] ?? 1;
  const start = addNoise(known.video, initialTokens(inputs, known.video), videoNoise, scale); // [tokens, C]
  let video = start; // [tokens, C]
  let audio = audioNoise === undefined ? audioTokens : addNoise(known.audio, audioTokens, audioNoise, scale); // [Ta, Ca]
  let residuals: BlockResiduals | undefined;
  const steps = sigmas.length - 1;
  for (let step = 0; step < steps; step++) {
    await throwIfCancelled(signal);
    const [sigma = 0, next = 0] = sigmas.slice(step, step + 2);
    const isReused = reusedSteps.includes(step);
    // One graph for all full steps, recording or not: another would have to be opened.
    const record = !isReused && reusedSteps.length > 0;
    const velocity = await model.evaluate(
      stage,
      { tokens: video, timesteps: tokenTimesteps(known.video.mask, sigma) },
      { tokens: audio, timesteps: tokenTimesteps(known.audio.mask, sigma) },
      { record, replay: isReused ? residuals : undefined },
    );
    if (!isReused) residuals = velocity.residuals;
    const clean = estimateClean(known.video, video, velocity.video, sigma).blended; // [tokens, C]
    video = eulerStep(video, clean, sigma, next); // [tokens, C]
    if (audioNoise !== undefined) {
      const cleanAudio = estimateClean(known.audio, audio, velocity.audio, sigma).blended; // [Ta, Ca]
      audio = eulerStep(audio, cleanAudio, sigma, next); // [Ta, Ca]
    }
    await onStep?.({ done: step + 1, steps, estimate: clean.subarray(0, tokenCount(size) * known.video.channels) });
  }
  return { video: video.slice(0, tokenCount(size) * known.video.channels), audio, start };
}

/** What is known of the tokens of one stream `[tokens, channels]`. */
export interface TokenState {
  readonly channels: number;
  /** Known content where `mask` < 1, flattened. */
  readonly clean: Float32Array;
  /** Per token: 1 denoises fully, 0 keeps `clean`. */
  readonly mask: Float32Array;
}

/** The opening overwrites the first latent frames; the keyframes' tokens follow the ordinary ones. */
function videoState({ size, opening, keyframes }: StageInputs, channels: number): TokenState {
  const ordinary = tokenCount(size);
  const perFrame = size.height * size.width;
  const tokens = ordinary + keyframes.length * perFrame;
  const clean = new Float32Array(tokens * channels);
  const mask = new Float32Array(tokens).fill(1);
  const place = ({ latent, strength }: ConditioningLatent, token: number): void => {
    const known = patchifyLatent(latent);
    clean.set(known, token * channels);
    mask.fill(1 - strength, token, token + known.length / channels);
  };
  if (opening !== undefined) place(opening, 0);
  keyframes.forEach((keyframe, index) => {
    place(keyframe, ordinary + index * perFrame);
  });
  return { channels, clean, mask };
}

function audioState({ audioTokens: clean, audioStrength }: StageInputs, channels: number): TokenState {
  return { channels, clean, mask: new Float32Array(clean.length / channels).fill(1 - audioStrength) };
}

function initialTokens({ initialVideo }: StageInputs, { clean }: TokenState): Float32Array {
  const initial = new Float32Array(clean.length);
  if (initialVideo !== undefined) initial.set(initialVideo);
  return initial;
}

/**
 * Starting point of a stage: `(1−m)·clean + m·((1−s)·initial + s·noise)` with m the token's mask and s the noise
 * scale. This is the reference's form since 2026-06-17.
 */
export function addNoise(state: TokenState, initial: Float32Array, noise: Float32Array, scale: number): Float32Array {
  const { channels, clean, mask } = state;
  const level = Math.fround(scale);
  return mapTokens(channels, mask, (at, m) => {
    const mixed = (1 - level) * (initial[at] as number) + level * (noise[at] as number);
    return (1 - m) * (clean[at] as number) + m * mixed;
  });
}

/** Timesteps per token: mask·sigma, float32. */
export function tokenTimesteps(mask: Float32Array, sigma: number): Float32Array {
  const level = Math.fround(sigma);
  return mask.map((m) => m * level);
}

/** What the velocity says the clean tokens are: `x0`, and `blended` with the known content. */
export interface CleanEstimate {
  readonly x0: Float32Array;
  readonly blended: Float32Array;
}

export function estimateClean(
  state: TokenState,
  x: Float32Array,
  velocity: Float32Array,
  sigma: number,
): CleanEstimate {
  const { channels, clean, mask } = state;
  const timesteps = tokenTimesteps(mask, sigma);
  const x0 = mapTokens(channels, timesteps, (at, t) => (x[at] as number) - Math.fround((velocity[at] as number) * t));
  const blended = mapTokens(channels, mask, (at, m) => (x0[at] as number) * m + (clean[at] as number) * (1 - m));
  return { x0, blended };
}

/** One Euler step towards `target` (the blended estimate): both sigmas are the scalar schedule values. */
export function eulerStep(x: Float32Array, target: Float32Array, sigma: number, nextSigma: number): Float32Array {
  const level = Math.fround(sigma);
  const change = Math.fround(Math.fround(nextSigma) - level);
  return x.map((value, at) => {
    const direction = Math.fround(Math.fround(value - (target[at] as number)) / level);
    return value + Math.fround(direction * change);
  });
}

/** A value for every element of `[tokens, channels]`, from its index and the value of its token. */
export function mapTokens(
  channels: number,
  perToken: Float32Array,
  element: (at: number, tokenValue: number) => number,
): Float32Array {
  const result = new Float32Array(perToken.length * channels);
  perToken.forEach((value, token) => {
    const end = (token + 1) * channels;
    for (let at = token * channels; at < end; at++) result[at] = element(at, value);
  });
  return result;
}
