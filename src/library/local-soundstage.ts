import '../shared/platform/disposable-stacks.ts';
import { resolve } from 'node:path';
import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import { pathOfField } from '../contract/errors/error-location.ts';
import { clipSettings, drawSeed } from '../contract/input/clip-settings.ts';
import type { InputWithLoras as Input } from '../contract/input/input.ts';
import { MediaService } from '../media/media-service.ts';
import { resolveWeights } from '../models/resolve-weights.ts';
import type { ChosenDevice } from '../pipeline/choose-device.ts';
import { Engine } from '../pipeline/engine/engine.ts';
import { type Clip as GeneratedClip, generateClip } from '../pipeline/generate-clip.ts';
import { SafetyChecker } from '../safety/safety-checker.ts';
import { cancelled } from '../shared/cancellation.ts';
import { SoundstageError } from '../shared/errors.ts';
import { Mutex } from '../shared/mutex.ts';
import type { Clip, ClipInput, GenerateOptions, Soundstage, SoundstageOptions } from './api.ts';
import { defaultOutput, localFiles, readInput } from './local-input.ts';

interface LocalOptions extends Pick<SoundstageOptions, 'gpu' | 'safetyModel'> {
  readonly model: string;
  readonly chosen: ChosenDevice;
}

/** A model on this machine, in processes that it owns. */
export class LocalSoundstage implements Soundstage {
  readonly device: Soundstage['device'];
  readonly notes: readonly string[];
  readonly #model: string;
  readonly #memory: number | undefined;
  readonly #processes = new AsyncDisposableStack();
  readonly #engine: Engine;
  readonly #media: MediaService;
  readonly #checker: SafetyChecker;
  /** The model makes one clip at a time. */
  readonly #turns = new Mutex();

  constructor({ model, gpu, safetyModel, chosen }: LocalOptions) {
    this.device = chosen.device;
    this.notes = chosen.notes;
    this.#model = model;
    this.#memory = chosen.memory;
    this.#engine = this.#processes.use(new Engine({ gpu }));
    this.#media = this.#processes.use(new MediaService());
    this.#checker = this.#processes.use(new SafetyChecker({ model: safetyModel }));
  }

  async generate(given: ClipInput, options: GenerateOptions = {}): Promise<Clip> {
    const input = readInput(given, options.output);
    const output = resolve(options.output ?? defaultOutput(input));
    return await this.#turns.run(async () => published(await this.#make(input, output, options)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#processes.disposeAsync();
  }

  async #make(input: Input, output: string, options: GenerateOptions): Promise<GeneratedClip> {
    const { signal, onProgress, onPreview, onNote } = options;
    if (signal?.aborted) throw cancelled();
    if (this.#processes.disposed) throw new Error('this Soundstage is disposed of: open another one');
    const cameras = input.camera_lora === 'none' ? [] : [input.camera_lora];
    const weights = await resolveWeights(this.#model, { cameras });
    const { seed = drawSeed() } = input;
    const chosen = { seed, device: this.device, deviceMemory: this.#memory };
    const settings = clipSettings(input, localFiles(input, weights), chosen);
    const services = { engine: this.#engine, media: this.#media };
    const clip = generateClip(settings, weights, services, {
      output,
      signal,
      inspector: input.enable_safety_checker ? this.#checker : undefined,
      onProgress: onProgress && (({ type, ...progress }) => onProgress(progress)),
      onPreview: onPreview && (({ type, ...preview }) => onPreview(preview)),
      onNote,
    });
    return await clip.catch((error: unknown) => {
      throw inTermsOfInput(error);
    });
  }
}

/** The pipeline is given files, and calls some fields otherwise. */
function inTermsOfInput(error: unknown): unknown {
  if (!(error instanceof SoundstageError) || error.field === undefined) return error;
  const field = pathOfField(error.field, audioToVideoLora.servedInput)?.join('.');
  if (field === undefined || field === error.field) return error;
  const { kind, message, type, context } = error;
  return new SoundstageError(kind, message, { field, type, context, cause: error });
}

function published({ file, plan, report, seconds }: GeneratedClip): Clip {
  const { fps, ...rest } = file;
  return {
    file: { ...rest, fps: fps.num / fps.den },
    seed: plan.seed,
    prompt: plan.prompt,
    timings: { total: seconds, runtime: report.runtimeSeconds, phases: report.phases },
    peakMemory: report.peakMemory,
  };
}
