import { stat } from 'node:fs/promises';
import { type GraphTarget, graphTargets } from '../../graph/graph-target.ts';
import type { GraphMemory } from '../../graph/memory/graph-memory.ts';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import { audioLatentCount } from '../../ltx2/audio/audio-latents.ts';
import { mappedAdapters } from '../../ltx2/lora/adapters.ts';
import type { AppliedLora } from '../../ltx2/lora/lora.ts';
import { tokenCount } from '../../ltx2/sampling/latent-tokens.ts';
import { type LatentSize, temporalStride } from '../../ltx2/sampling/positions.ts';
import { contextLength, drawTextContext } from '../../ltx2/text/context/prompt-encoder.ts';
import { openTextEncoder } from '../../ltx2/text/gemma/gemma-folder.ts';
import { drawLanguageModel } from '../../ltx2/text/gemma/language-model.ts';
import { transformerConfigOf } from '../../ltx2/transformer/transformer.ts';
import { drawTransformer } from '../../ltx2/transformer/velocity.ts';
import { largestTile } from '../../ltx2/video/tiles/decoder-cost.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { formatBytes } from '../../shared/quantities.ts';
import { frameLimits } from '../plan/limits.ts';
import { type ClipMemory, type MemoryPlan, planMappedMemory, planMemory } from '../plan/memory-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { sideNetworks } from './networks.ts';

/** What of a plan decides what memory its clip takes. */
export type ClipSizes = Pick<
  Plan,
  | 'weights'
  | 'device'
  | 'deviceMemory'
  | 'stages'
  | 'tiling'
  | 'modelFrames'
  | 'fps'
  | 'audioStrength'
  | 'negativePrompt'
>;

export interface ClipImages {
  /** Latent frames that are known at the beginning: one of a first image, several of a clip that is continued. */
  readonly opening: number;
  /** Images with tokens of their own. */
  readonly keyframes: number;
}

export interface ClipNetworks {
  readonly bundle: Checkpoint;
  /** LoRAs of the transformer, and those among them that change how text is read. */
  readonly loras: readonly AppliedLora[];
  readonly textLoras: readonly AppliedLora[];
}

/**
 * Decides how the networks of a clip share the device's memory. Undefined where nobody knows how much there is.
 *
 * @throws SoundstageError `input` if the clip does not fit
 */
export async function planClipMemory(
  plan: ClipSizes,
  images: ClipImages,
  networks: ClipNetworks,
): Promise<MemoryPlan | undefined> {
  const { device, deviceMemory: available } = plan;
  if (available === undefined) return undefined;
  const isMapped = !graphTargets[device].hasOwnMemory;
  // Saves the drawing of all networks where it is plain to see.
  if (isMapped && (await fileBytes(plan.weights)) < available / 2) return undefined;
  const memoryAt = await clipMemory(plan, images, networks);
  if (isMapped) return planMappedMemory(memoryAt(plan.modelFrames), available);
  const verdict = planMemory(memoryAt(plan.modelFrames), available);
  if (verdict.fits) return verdict.plan;
  const { width, height } = largestStage(plan);
  const fits = (frames: number): boolean => planMemory(memoryAt(frames), available).fits;
  const frames = mostFrames(plan.modelFrames, fits);
  const way =
    frames === undefined
      ? 'no clip of this size fits; choose a smaller video_size'
      : `at this size ${frames} frames fit; choose fewer num_frames or a smaller video_size`;
  const takes = `${plan.modelFrames} frames of ${width}x${height} take ${formatBytes(verdict.needed)}`;
  throw new SoundstageError('input', `${takes} of GPU memory, of which ${formatBytes(available)} can be had: ${way}`, {
    field: frames === undefined ? 'video_size' : 'num_frames',
  });
}

async function fileBytes({ bundle, textEncoder }: Plan['weights']): Promise<number> {
  const { checkpoint } = await openTextEncoder(textEncoder);
  const files = new Set([bundle, ...[...checkpoint.tensors.values()].map(({ file }) => file)]);
  const sizes = await Promise.all([...files].map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What the networks take at so many frames that the model makes. */
export async function clipMemory(
  plan: ClipSizes,
  { opening, keyframes }: ClipImages,
  { bundle, loras, textLoras }: ClipNetworks,
): Promise<(frames: number) => ClipMemory> {
  const target = graphTargets[plan.device];
  const hasImages = opening > 0 || keyframes > 0;
  const reuses = plan.stages.some(({ reusedSteps }) => reusedSteps.length > 0);
  const form = {
    config: transformerConfigOf(bundle),
    perToken: { video: hasImages, audio: plan.audioStrength < 1 },
    guidance: plan.negativePrompt !== undefined,
    residuals: reuses ? ('record' as const) : undefined,
  };
  const transformer = drawTransformer(bundle, target, form, loras).memory();
  const replay = reuses ? drawTransformer(bundle, target, { ...form, residuals: 'replay' }, loras).memory() : undefined;
  const { bundle: file, textEncoder: encoder } = plan.weights;
  const { graph } = await drawTextContext({ encoder, bundle: file, target, adapters: mappedAdapters(textLoras) });
  const text = graph.memory();
  const side = sideNetworks(target, bundle, plan.weights.upscaler);
  const audio = side.audioEncoder().memory();
  const picture = hasImages ? side.imageEncoder().memory() : undefined;
  const upsampler = plan.stages.length > 1 ? (await side.upsampler()).memory() : undefined;
  const decoder = side.videoDecoder().memory();
  const { latent: largest } = largestStage(plan);
  return (frames) => {
    const latents = (frames - 1) / temporalStride + 1;
    const perFrame = largest.height * largest.width;
    const sound = audioLatentCount(frames, plan.fps);
    const tokens = new Map([
      ['Nv', tokenCount({ ...largest, frames: latents }) + keyframes * perFrame],
      ['Na', sound],
      ['S', contextLength],
      ['S_negative', contextLength],
      // Those of the tokens that are denoised, of the opening and of each keyframe.
      ['distinct_video', Math.max(3, 2 + keyframes)],
      ['distinct_audio', 1],
    ]);
    const ofText = new Map([
      ['n', contextLength],
      ['positions', contextLength],
    ]);
    const sizeOf = ({ frames: f, height: h, width: w }: LatentSize) => new Map(Object.entries({ f, h, w }));
    const small = { ...(plan.stages[0]?.latent ?? largest), frames: latents };
    return {
      transformer: transformer(tokens),
      replay: replay?.(tokens),
      side: {
        text: text(ofText),
        audio: audio(new Map([['t', sound]])),
        images: picture?.(sizeOf({ ...largest, frames: Math.max(opening, 1) - 1 })),
        upscale: upsampler?.(sizeOf(small)),
        decode: decoder(sizeOf(largestTile({ ...largest, frames: latents }, plan.tiling))),
      },
    };
  };
}

/** What the text encoder's language model takes when it expands a long prompt. */
export async function languageModelMemory(textEncoder: string, target: GraphTarget): Promise<GraphMemory> {
  const graph = drawLanguageModel(await openTextEncoder(textEncoder), target);
  const positions = 2048;
  const atOnce = new Map(Object.entries({ n: positions, past: 0, positions }));
  const later = new Map(Object.entries({ n: 1, past: positions, positions }));
  const [first, last] = [atOnce, later].map(graph.memory());
  if (first === undefined || last === undefined) throw new Error('unreachable');
  const peak = ({ weights, run }: GraphMemory): number => run(0, weights.length).peak;
  return peak(first) > peak(last) ? first : last;
}

function largestStage({ stages }: Pick<Plan, 'stages'>) {
  const largest = stages.at(-1);
  if (largest === undefined) throw new Error('a plan has a stage');
  return largest;
}

/** The most frames below `frames` that the model makes and that fit. */
function mostFrames(frames: number, fits: (frames: number) => boolean): number | undefined {
  let [low, high] = [(frameLimits.min - 1) / temporalStride, (frames - 1) / temporalStride];
  if (!fits(frameLimits.min)) return undefined;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle * temporalStride + 1)) low = middle;
    else high = middle;
  }
  return low * temporalStride + 1;
}
