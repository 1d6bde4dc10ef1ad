import { graphTargets } from '../../graph/graph-target.ts';
import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, Session } from '../../graph/runtime/session.ts';
import { conditionOnAudio } from '../../ltx2/audio/audio-conditioning.ts';
import { decodeAudio } from '../../ltx2/audio/audio-decoding.ts';
import { unpatchifyAudio } from '../../ltx2/audio/audio-latents.ts';
import { NotFiniteError, requireFinite } from '../../ltx2/finite.ts';
import { patchifyLatent, tokenCount, unpatchifyLatent } from '../../ltx2/sampling/latent-tokens.ts';
import { seededNormals } from '../../ltx2/sampling/noise.ts';
import { temporalStride } from '../../ltx2/sampling/positions.ts';
import {
  type ConditioningKeyframe,
  type ConditioningLatent,
  denoiseStage,
  type StageInputs,
} from '../../ltx2/sampling/sampler.ts';
import { expandPrompt } from '../../ltx2/text/generation/prompt-expansion.ts';
import type { TextContexts } from '../../ltx2/transformer/velocity.ts';
import { videoPixels } from '../../ltx2/video/image-pixels.ts';
import { previewFrames } from '../../ltx2/video/latent-preview.ts';
import { decodeFrames, type TileProgress } from '../../ltx2/video/tiles/tiled-decoder.ts';
import { readFramesFile } from '../../media/raw/frames-file.ts';
import { type Picture, type PictureFile, readPictureFile } from '../../media/raw/picture-file.ts';
import { readSoundFile, writeSoundFile } from '../../media/raw/sound-file.ts';
import { throwIfCancelled } from '../../shared/cancellation.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { Mutex } from '../../shared/mutex.ts';
import type { Plan, StagePlan } from '../plan/plan.ts';
import type { ClipImages } from './clip-memory.ts';
import type { EngineEvent, EngineInputs, EngineMethods, EngineReport, ExpansionRequest } from './engine-messages.ts';
import { LoadedModel } from './loaded-model.ts';
import { ProgressMeter } from './progress-meter.ts';

/**
 * Where an anchor stands: a latent frame before the clip, where it keeps who is in it and leaves their movements alone
 * (docs/films.md has the other places that were tried).
 */
const anchorFrame = -temporalStride;
/** Frames that may be on their way to the encoder while the next are made. */
const eventsUnderWay = 4;

export interface EngineContext {
  readonly signal: AbortSignal;
  /** Whether to emit a preview after each step. */
  readonly previews: boolean;
  /** Resolves once the event has been dealt with. */
  emit(event: EngineEvent): Promise<void>;
}

/** Makes clips, one at a time, and keeps the model loaded between them. Owns native memory. */
export class ClipEngine implements AsyncDisposable {
  readonly #mutex = new Mutex();
  #model: LoadedModel | undefined;

  generate(plan: Plan, inputs: EngineInputs, context: EngineContext): Promise<EngineReport> {
    return this.#mutex.run(async () => {
      try {
        return await this.#generate(plan, inputs, context);
      } catch (error) {
        // Sessions that a device failed in are not trusted with another clip, and what they hold of its memory is needed for that.
        if (error instanceof SoundstageError && error.kind === 'device') await this.#forget();
        throw error;
      }
    });
  }

  async #generate(plan: Plan, inputs: EngineInputs, context: EngineContext): Promise<EngineReport> {
    const meter = new ProgressMeter(plan);
    const runtimeBefore = Session.totalRunSeconds;
    const model = await this.#load(plan);
    await new Generation(model, plan, inputs, context, meter).run();
    return {
      phases: meter.finish(),
      seconds: meter.seconds,
      runtimeSeconds: Session.totalRunSeconds - runtimeBefore,
      peakMemory: process.resourceUsage().maxRSS * 1024,
    };
  }

  /**
   * Rewrites the prompt of a plan with the text encoder's language model, on the CPU where the device is too small for it.
   *
   * @throws SoundstageError `input` if the clip does not fit into the device's memory, which is seen before anything is made
   */
  expandPrompt(request: ExpansionRequest, signal: AbortSignal): Promise<EngineMethods['expandPrompt']['result']> {
    return this.#mutex.run(async () => {
      const { plan, inputs, image } = request;
      const model = await this.#load(plan);
      await model.useLoras(plan.loras);
      await model.planMemory(plan, imagesOf(inputs));
      const device = await model.makeRoomForExpansion();
      const expanded = await expandPrompt(plan.prompt, {
        encoder: plan.weights.textEncoder,
        target: graphTargets[device],
        seed: plan.seed,
        image: image && (await readPictureFile(image)),
        signal,
      });
      return expanded && { ...expanded, device };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model?.[Symbol.asyncDispose]();
    this.#model = undefined;
  }

  async #forget(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    // A device that is lost may not even take memory back.
    await model?.[Symbol.asyncDispose]().catch(() => {});
  }

  async #load(plan: Plan): Promise<LoadedModel> {
    if (this.#model?.key === LoadedModel.keyOf(plan)) return this.#model;
    await this[Symbol.asyncDispose]();
    this.#model = await LoadedModel.open(plan);
    return this.#model;
  }
}

function imagesOf({ firstImage, continued, endImage, next, anchor }: EngineInputs): ClipImages {
  const opening = continued ?? (firstImage && { frames: 1 });
  return {
    opening: opening === undefined ? 0 : (opening.frames - 1) / temporalStride + 1,
    keyframes: [endImage, next, anchor].filter((image) => image !== undefined).length,
  };
}

interface Conditions {
  readonly text: TextContexts;
  readonly negativeText: TextContexts | undefined;
  readonly audioTokens: Float32Array;
}

/** One clip from plan to frames: condition → denoise → (upscale → denoise) → decode. */
class Generation {
  readonly #model: LoadedModel;
  readonly #plan: Plan;
  readonly #inputs: EngineInputs;
  readonly #context: EngineContext;
  readonly #meter: ProgressMeter;

  constructor(model: LoadedModel, plan: Plan, inputs: EngineInputs, context: EngineContext, meter: ProgressMeter) {
    this.#model = model;
    this.#plan = plan;
    this.#inputs = inputs;
    this.#context = context;
    this.#meter = meter;
  }

  async run(): Promise<void> {
    await this.#model.preparePrecision({
      signal: this.#context.signal,
      onNote: (text) => this.#context.emit({ type: 'note', text }),
    });
    await this.#model.useLoras(this.#plan.loras);
    await this.#model.planMemory(this.#plan, imagesOf(this.#inputs));
    try {
      const { latent, audio } = await this.#denoiseStages(await this.#condition());
      if (this.#plan.audioStrength < 1) await this.#decodeSound(audio);
      await this.#decodeFrames(latent);
    } catch (error) {
      throw error instanceof NotFiniteError ? this.#blamed(error) : error;
    }
  }

  /** LoRAs are the first to suspect; without any, the weights are damaged or too large for the device's numbers. */
  #blamed(cause: NotFiniteError): SoundstageError {
    if (this.#plan.loras.length === 0) {
      const message = `${cause.message}: the weights may be damaged, which \`soundstage models check\` tells`;
      return new SoundstageError('weights', message, { cause });
    }
    const message = `${cause.message}: the LoRAs are too strong or do not go together; lower their scale, or leave one out`;
    return new SoundstageError('input', message, { cause, field: 'loras' });
  }

  /** One stage, or two with the upsampler between them. */
  async #denoiseStages(conditions: Conditions): Promise<{ latent: HostTensor<'float32'>; audio: Float32Array }> {
    let latent: HostTensor<'float32'> | undefined;
    let audio = conditions.audioTokens;
    try {
      for (const [index, stage] of this.#plan.stages.entries()) {
        if (latent !== undefined) latent = await this.#upscale(latent);
        const result = await this.#denoise(stage, index, conditions, latent);
        const name = index === 0 ? 'first stage' : 'refinement';
        requireFinite(result.video, `the video latents after the ${name}`);
        requireFinite(result.audio, `the audio latents after the ${name}`);
        latent = unpatchifyLatent(result.video, stage.latent);
        audio = result.audio;
      }
    } finally {
      await this.#model.finishDenoising();
    }
    if (latent === undefined) throw new Error('a plan has a stage');
    return { latent, audio };
  }

  async #begin(phase: Parameters<ProgressMeter['begin']>[0]): Promise<void> {
    await throwIfCancelled(this.#context.signal);
    await this.#context.emit(this.#meter.begin(phase));
  }

  async #condition(): Promise<Conditions> {
    const { prompt, negativePrompt, modelFrames: frames, fps } = this.#plan;
    await this.#begin('text');
    const prompts = negativePrompt === undefined ? [prompt] : [prompt, negativePrompt];
    const [text, negativeText] = await this.#model.encodePrompts(prompts);
    if (text === undefined) throw new Error('a plan has a prompt');
    for (const { video, audio } of [text, ...(negativeText === undefined ? [] : [negativeText])]) {
      for (const context of [video, audio]) requireFinite(context.data, 'the contexts of the text');
    }
    await this.#begin('audio');
    await using encoder = await this.#model.audioEncoder();
    const sound = await readSoundFile(this.#inputs.audio, frames / fps);
    const { tokens } = await conditionOnAudio(encoder, this.#model.audioConfig, sound, { frames, fps });
    requireFinite(tokens.data, 'the latents of the recording');
    return { text, negativeText, audioTokens: tokens.data };
  }

  async #denoise(stage: StagePlan, index: number, conditions: Conditions, initial: HostTensor<'float32'> | undefined) {
    const plan = this.#plan;
    await this.#begin('images');
    const opening = await this.#encodeOpening(stage);
    const keyframes = await this.#encodeKeyframes(stage);
    // Before the transformer, beside which there may be no room for the decoder.
    if (this.#context.previews) await this.#model.preview();
    const transformer = await this.#model.transformer();
    const channels = transformer.config.in_channels;
    const perFrame = stage.latent.height * stage.latent.width;
    const tokens = tokenCount(stage.latent) + keyframes.length * perFrame;
    const stageInputs: StageInputs = {
      ...conditions,
      size: stage.latent,
      fps: plan.fps,
      sigmas: stage.sigmas,
      reusedSteps: stage.reusedSteps,
      audioStrength: plan.audioStrength,
      initialVideo: initial && patchifyLatent(initial),
      opening,
      keyframes,
      // Streams of the generator: video and audio of the first stage, video and audio of the second.
      videoNoise: seededNormals(plan.seed, 2 * index, tokens * channels),
      audioNoise:
        plan.audioStrength < 1 ? seededNormals(plan.seed, 2 * index + 1, conditions.audioTokens.length) : undefined,
    };
    await this.#begin(index === 0 ? 'denoise' : 'refine');
    return denoiseStage(transformer, stageInputs, {
      signal: this.#context.signal,
      onStep: async ({ done, steps, estimate }) => {
        await this.#context.emit(this.#meter.step(done, steps));
        if (this.#context.previews) await this.#emitPreview(done, unpatchifyLatent(estimate, stage.latent));
      },
    });
  }

  async #emitPreview(step: number, latent: HostTensor<'float32'>): Promise<void> {
    const { data, shape } = previewFrames(await this.#model.preview(), latent);
    const [frames = 0, height = 0, width = 0] = shape;
    await this.#context.emit({ type: 'preview', step, frames, height, width, rgb: data });
  }

  async #encodeOpening(stage: StagePlan): Promise<ConditioningLatent | undefined> {
    const { continued, firstImage } = this.#inputs;
    if (continued === undefined) return await this.#encodeImage(firstImage, this.#plan.imageStrength, stage);
    return await this.#encode(await readFramesFile(continued), this.#plan.continuationStrength, stage);
  }

  async #encodeKeyframes(stage: StagePlan): Promise<readonly ConditioningKeyframe[]> {
    const { endImage, next, anchor } = this.#inputs;
    const { frames, endImageStrength, anchorStrength } = this.#plan;
    const keyframes: ConditioningKeyframe[] = [];
    for (const [image, strength, frameIndex] of [
      [endImage, endImageStrength, frames - 1],
      [next, 1, frames],
      [anchor, anchorStrength, anchorFrame],
    ] as const) {
      const encoded = await this.#encodeImage(image, strength, stage);
      if (encoded !== undefined) keyframes.push({ ...encoded, frameIndex, frames: 1 });
    }
    return keyframes;
  }

  async #encodeImage(
    image: PictureFile | undefined,
    strength: number,
    stage: StagePlan,
  ): Promise<ConditioningLatent | undefined> {
    return image && (await this.#encode([await readPictureFile(image)], strength, stage));
  }

  async #encode(
    frames: readonly Picture[],
    strength: number,
    stage: StagePlan,
  ): Promise<ConditioningLatent | undefined> {
    if (strength === 0) return undefined;
    await using encoder = await this.#model.imageEncoder();
    const video = videoPixels(frames, stage.width, stage.height);
    const latent = floats(await encoder.run({ video }), 'latent');
    requireFinite(latent.data, 'the latents of the image');
    return { latent, strength };
  }

  async #upscale(latent: HostTensor<'float32'>): Promise<HostTensor<'float32'>> {
    await this.#begin('upscale');
    const [, , frames = 0, height = 0, width = 0] = latent.shape;
    await using upsampler = await this.#model.upsampler({ frames, height, width });
    const upsampled = floats(await upsampler.run({ latent }), 'upsampled');
    requireFinite(upsampled.data, 'the upscaled latents');
    return upsampled;
  }

  async #decodeSound(tokens: Float32Array): Promise<void> {
    const { z_channels } = this.#model.audioConfig.model.params.ddconfig;
    const { audioLatents } = this.#plan;
    const latent = unpatchifyAudio(floatTensor(tokens, [1, audioLatents, tokens.length / audioLatents]), z_channels);
    await using decoder = await this.#model.audioDecoder();
    await using vocoder = await this.#model.vocoder();
    const { sampleRate, waveform } = await decodeAudio(decoder, vocoder, this.#model.vocoderConfig, latent);
    requireFinite(waveform, 'the decoded sound');
    await writeSoundFile(this.#inputs.generatedSound, { sampleRate, channels: 2, waveform });
  }

  async #decodeFrames(latent: HostTensor<'float32'>): Promise<void> {
    const { frames, continuedFrames, crop, tiling } = this.#plan;
    await this.#begin('decode');
    await using decoder = await this.#model.videoDecoder();
    const { signal } = this.#context;
    const underWay: Promise<void>[] = [];
    const send = async (event: EngineEvent): Promise<void> => {
      underWay.push(this.#context.emit(event));
      if (underWay.length > eventsUnderWay) await underWay.shift();
    };
    const onTile = ({ done, total }: TileProgress): Promise<void> => send(this.#meter.step(done, total));
    const frameBytes = crop.width * crop.height * 3;
    let decoded = 0;
    for await (const chunk of decodeFrames(decoder, latent, { tiling, crop, signal, onTile })) {
      const from = Math.max(0, continuedFrames - decoded);
      const to = Math.min(chunk.length / frameBytes, frames - decoded);
      if (to > from) await send({ type: 'frames', rgb: chunk.subarray(from * frameBytes, to * frameBytes) });
      decoded += chunk.length / frameBytes;
      if (decoded >= frames) break;
    }
    await Promise.all(underWay);
    await this.#context.emit(this.#meter.step(1, 1));
  }
}
