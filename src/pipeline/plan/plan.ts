import type { DeviceKind, Precision } from '../../graph/graph-target.ts';
import { audioLatentCount } from '../../ltx2/audio/audio-latents.ts';
import { type LatentSize, spatialStride, temporalStride } from '../../ltx2/sampling/positions.ts';
import type { Schedules, StepSchedule } from '../../ltx2/sampling/schedule.ts';
import type { DecodeTiling } from '../../ltx2/video/tiles/decode-tiles.ts';
import { chooseTiling, type DecoderGraph } from '../../ltx2/video/tiles/decoder-cost.ts';
import type { Crop } from '../../ltx2/video/tiles/rgb-frames.ts';
import type { VideoFileType, VideoQuality, VideoWriteMode } from '../../media/video-settings.ts';
import type { WeightSet } from '../../models/weight-folder.ts';
import { type Acceleration, stepSchedules } from './acceleration.ts';
import { frameLimits, sideLimits } from './limits.ts';

const defaultSize = { width: 1024, height: 768 } as const;

export interface LoraChoice {
  /** A `.safetensors` file. */
  readonly path: string;
  readonly scale: number;
  /** The request field to blame when the file is no LoRA for this model, e.g. `loras.0.path`. */
  readonly field?: string | undefined;
}

/** The end of a clip that another one goes on from. */
export interface Continuation {
  /** The file, stored as `FFV1 (.mkv)`. */
  readonly video: string;
  /** Which of its frames: `frames`, 8k+1 of them, from `first` to its end. */
  readonly first: number;
  readonly frames: number;
  /** 1 keeps them as they are, 0 ignores them. */
  readonly strength: number;
}

/** What makes a clip part of a film; the endpoint has none of it. */
export interface FilmSettings {
  /** Seconds of the recording before the clip. Default 0. */
  readonly audioStart?: number | undefined;
  /** What the clip begins with. These frames come before the `numFrames`, and are not delivered again. */
  readonly continuation?: Continuation | undefined;
  /** A video stored as `FFV1 (.mkv)`, whose first frame comes right after this clip. */
  readonly next?: string | undefined;
  /** A picture that the whole clip is to look like. */
  readonly anchor?: string | undefined;
  readonly anchorStrength?: number | undefined;
}

/**
 * What a clip should be, in validated terms; files are local. Fields that are in the endpoint's input have its names, in
 * camelCase: `clipSettings` of the contract copies them by these names.
 */
export interface ClipSettings extends FilmSettings {
  readonly prompt: string;
  /** Let the text encoder's language model rewrite the prompt first. */
  readonly enablePromptExpansion: boolean;
  readonly audio: string;
  readonly image?: string | undefined;
  readonly endImage?: string | undefined;
  readonly matchAudioLength: boolean;
  readonly numFrames: number;
  /** `auto`: the first image's size. */
  readonly videoSize: 'auto' | { readonly width: number; readonly height: number };
  readonly useMultiscale: boolean;
  readonly fps: number;
  readonly acceleration: Acceleration;
  /** Undefined: plain sampling without guidance. */
  readonly negativePrompt?: string | undefined;
  readonly seed: number;
  readonly videoOutputType: VideoFileType;
  readonly videoQuality: VideoQuality;
  readonly videoWriteMode: VideoWriteMode;
  readonly loras: readonly LoraChoice[];
  readonly imageStrength: number;
  readonly endImageStrength: number;
  readonly audioStrength: number;
  readonly preprocessAudio: boolean;
  readonly device: DeviceKind;
  /** Bytes of memory that the device may use; undefined: nobody knows. */
  readonly deviceMemory?: number | undefined;
  /** Default `exact`. */
  readonly precision?: Precision | undefined;
}

/** Facts about the inputs that settings alone do not hold. */
export interface InputFacts {
  readonly audioSeconds: number;
  /** The recording is longer than that; no clip is. */
  readonly audioGoesOn?: boolean | undefined;
  readonly firstImage?: { readonly width: number; readonly height: number } | undefined;
  /** For choosing its tiles. */
  readonly decoder: DecoderGraph;
  /** The noise levels of the checkpoint. */
  readonly schedules: Schedules;
  /** Bytes a decode may take; undefined: the reference implementation's tiles, whatever they take. */
  readonly decodeMemory?: number | undefined;
}

/** One denoising stage at one size. */
export interface StagePlan extends StepSchedule {
  readonly latent: LatentSize;
  /** Pixels of the stage's frames, to which conditioning images are fitted. */
  readonly width: number;
  readonly height: number;
}

/**
 * Every number the engine needs to make a clip, frozen. Two equal plans with equal inputs give equal bytes on the CPU.
 */
export interface Plan {
  readonly weights: Pick<WeightSet, 'bundle' | 'upscaler' | 'textEncoder'>;
  readonly device: DeviceKind;
  readonly deviceMemory: number | undefined;
  readonly precision: Precision;
  readonly prompt: string;
  readonly negativePrompt: string | undefined;
  readonly loras: readonly LoraChoice[];
  readonly seed: number;
  readonly fps: number;
  /** The model makes `modelFrames`, the next 8k+1, and the surplus is dropped. */
  readonly frames: number;
  /** Of these, those at the beginning that continue another clip; what comes after is delivered. */
  readonly continuedFrames: number;
  readonly modelFrames: number;
  readonly audioLatents: number;
  readonly audioStrength: number;
  readonly imageStrength: number;
  readonly endImageStrength: number;
  readonly continuationStrength: number;
  readonly anchorStrength: number;
  /** One stage, or two with the latent upsampler between them. */
  readonly stages: readonly StagePlan[];
  readonly tiling: DecodeTiling;
  /** The part of the generated frames that is delivered; its size is the clip's. */
  readonly crop: Crop;
}

/** Works out the plan. `notes` are decisions the user should hear about. */
export function createPlan(
  settings: ClipSettings,
  facts: InputFacts,
  weights: WeightSet,
): { readonly plan: Plan; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const { width, height } = deliveredSize(settings, facts);
  const continuedFrames = settings.continuation?.frames ?? 0;
  const frames = continuedFrames + frameCount(settings, facts, notes);
  const modelFrames = modelFramesFor(frames);
  const multiple = settings.useMultiscale ? 2 * spatialStride : spatialStride;
  const [fullWidth, fullHeight] = [roundedUp(width, multiple), roundedUp(height, multiple)];
  const { first, refinement } = stepSchedules(settings.acceleration, facts.schedules);
  const latentSize = (pixelWidth: number, pixelHeight: number): LatentSize => ({
    frames: (modelFrames - 1) / temporalStride + 1,
    height: pixelHeight / spatialStride,
    width: pixelWidth / spatialStride,
  });
  const stage = (schedule: StepSchedule, divisor: number): StagePlan => ({
    ...schedule,
    latent: latentSize(fullWidth / divisor, fullHeight / divisor),
    width: fullWidth / divisor,
    height: fullHeight / divisor,
  });
  const plan: Plan = {
    weights: { bundle: weights.bundle, upscaler: weights.upscaler, textEncoder: weights.textEncoder },
    device: settings.device,
    deviceMemory: settings.deviceMemory,
    precision: settings.precision ?? 'exact',
    prompt: settings.prompt,
    negativePrompt: settings.negativePrompt,
    loras: settings.loras,
    seed: settings.seed,
    fps: settings.fps,
    frames,
    continuedFrames,
    modelFrames,
    audioLatents: audioLatentCount(modelFrames, settings.fps),
    audioStrength: settings.audioStrength,
    imageStrength: settings.imageStrength,
    endImageStrength: settings.endImageStrength,
    continuationStrength: settings.continuation?.strength ?? 1,
    anchorStrength: settings.anchorStrength ?? 1,
    stages: settings.useMultiscale ? [stage(first, 2), stage(refinement, 1)] : [stage(first, 1)],
    tiling: chooseTiling(facts.decoder, latentSize(fullWidth, fullHeight), facts.decodeMemory),
    crop: {
      left: Math.floor((fullWidth - width) / 2),
      top: Math.floor((fullHeight - height) / 2),
      width,
      height,
    },
  };
  return { plan: deepFreeze(plan), notes };
}

/** Seconds of a recording that a clip can use at most. */
export function maxSeconds({ matchAudioLength, numFrames, fps, continuation }: ClipSettings): number {
  return modelFramesFor((continuation?.frames ?? 0) + (matchAudioLength ? frameLimits.max : numFrames)) / fps;
}

function roundedUp(side: number, multiple: number): number {
  return Math.ceil(side / multiple) * multiple;
}

/** The model makes 8k+1 frames. */
function modelFramesFor(frames: number): number {
  return Math.ceil((frames - 1) / temporalStride) * temporalStride + 1;
}

function deliveredSize({ videoSize }: ClipSettings, { firstImage }: InputFacts): { width: number; height: number } {
  if (videoSize !== 'auto') return videoSize;
  if (firstImage === undefined) return defaultSize;
  const { width, height } = firstImage;
  const shrink = Math.min(1, sideLimits.max / Math.max(width, height));
  const scale = Math.max(shrink, sideLimits.min / Math.min(width, height));
  const withinLimits = (side: number): number =>
    Math.min(sideLimits.max, Math.max(sideLimits.min, Math.round(side * scale)));
  return { width: withinLimits(width), height: withinLimits(height) };
}

function frameCount(
  { matchAudioLength, numFrames, fps }: ClipSettings,
  { audioSeconds, audioGoesOn = false }: InputFacts,
  notes: string[],
): number {
  if (!matchAudioLength) return numFrames;
  const matched = Math.round(audioSeconds * fps);
  const clamped = Math.min(frameLimits.max, Math.max(frameLimits.min, matched));
  if (clamped !== matched) {
    notes.push(
      `the audio is ${audioGoesOn ? 'more than ' : ''}${matched} frames long at ${fps} fps; the clip gets ${clamped} (limits ${frameLimits.min} to ${frameLimits.max})`,
    );
  }
  return clamped;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
