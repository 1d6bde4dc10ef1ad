import '../shared/platform/disposable-stacks.ts';
import { resolve } from 'node:path';
import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import { pathOfField } from '../contract/errors/error-location.ts';
import type { FilmInput as ReadFilmInput, Score } from '../contract/film/film-schema.ts';
import { clipSettings, drawSeed } from '../contract/input/clip-settings.ts';
import type { InputWithLoras as Input } from '../contract/input/input.ts';
import { estimateFilm, type FilmEstimate } from '../film/estimate.ts';
import { type FilmFiles, type FilmStudio, makeFilm, scoreOf } from '../film/make-film.ts';
import { filmCameras } from '../film/part-clip.ts';
import { partsFolder } from '../film/part-store.ts';
import { MediaService } from '../media/media-service.ts';
import { resolveWeights } from '../models/resolve-weights.ts';
import type { ChosenDevice } from '../pipeline/choose-device.ts';
import { Engine } from '../pipeline/engine/engine.ts';
import { type ClipServices, type Clip as GeneratedClip, generateClip } from '../pipeline/generate-clip.ts';
import { SafetyChecker } from '../safety/safety-checker.ts';
import { cancelled } from '../shared/cancellation.ts';
import { SoundstageError } from '../shared/errors.ts';
import { Mutex } from '../shared/mutex.ts';
import type {
  Clip,
  ClipInput,
  Film,
  FilmInput,
  FilmOptions,
  FilmPlan,
  FilmScore,
  GenerateOptions,
  Soundstage,
  SoundstageOptions,
} from './api.ts';
import { defaultOutput, localFiles, readFilmInput, readInput } from './local-input.ts';

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
  readonly #precision: ChosenDevice['precision'];
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
    this.#precision = chosen.precision;
    this.#engine = this.#processes.use(new Engine({ gpu }));
    this.#media = this.#processes.use(new MediaService());
    this.#checker = this.#processes.use(new SafetyChecker({ model: safetyModel }));
  }

  async generate(given: ClipInput, options: GenerateOptions = {}): Promise<Clip> {
    const input = readInput(given, options.output);
    const output = resolve(options.output ?? defaultOutput(input));
    return await this.#turns.run(async () => published(await this.#make(input, output, options)));
  }

  async film(given: FilmInput, options: FilmOptions = {}): Promise<Film> {
    const { output = 'film.mp4', onPlan, ...rest } = options;
    const input = readFilmInput(given, output);
    return await this.#turns.run(async () => {
      const studio = await this.#filmStudio(input, this.#open(options));
      const { file, score, parts, made } = await makeFilm(input, filesOf(input), studio, {
        ...rest,
        output: resolve(output),
        folder: partsFolder(resolve(output)),
        onScore: onPlan && ((planned, estimate) => onPlan(plan(planned, estimate))),
        onPreview: options.onPreview && (({ type, ...preview }) => options.onPreview?.(preview)),
      });
      const { fps, ...measured } = file;
      return {
        file: { ...measured, fps: fps.num / fps.den },
        score: asInput(score),
        parts: parts.map(({ prompt, seconds }) => ({ prompt, seconds })),
        made,
      };
    });
  }

  async planFilm(given: FilmInput, options: Pick<FilmOptions, 'output' | 'signal'> = {}): Promise<FilmPlan> {
    const { output = 'film.mp4', signal } = options;
    const input = readFilmInput(given, output);
    const folder = partsFolder(resolve(output));
    const { score } = await scoreOf(input, filesOf(input), this.#open(options), { folder, signal });
    return plan(score, estimateFilm(score, [], 0));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#processes.disposeAsync();
  }

  /** What makes clips, unless that is over. */
  #open({ signal }: Pick<GenerateOptions, 'signal'>): ClipServices {
    if (signal?.aborted) throw cancelled();
    if (this.#processes.disposed) throw new Error('this Soundstage is disposed of: open another one');
    return { engine: this.#engine, media: this.#media };
  }

  async #filmStudio(input: ReadFilmInput, services: ClipServices): Promise<FilmStudio> {
    const weights = await resolveWeights(this.#model, { cameras: filmCameras(input) });
    return {
      weights,
      device: { device: this.device, memory: this.#memory, notes: [] },
      services,
      inspector: this.#checker,
      files: async (part) => ({ files: localFiles(part, weights), [Symbol.asyncDispose]: async () => {} }),
    };
  }

  async #make(input: Input, output: string, options: GenerateOptions): Promise<GeneratedClip> {
    const { signal, onProgress, onPreview, onNote } = options;
    const services = this.#open(options);
    const cameras = input.camera_lora === 'none' ? [] : [input.camera_lora];
    const weights = await resolveWeights(this.#model, { cameras });
    const { seed = drawSeed() } = input;
    const chosen = { seed, device: this.device, deviceMemory: this.#memory, precision: this.#precision };
    const settings = clipSettings(input, localFiles(input, weights), chosen);
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

function filesOf({ audio_url: audio, anchor_url: anchor }: ReadFilmInput): FilmFiles {
  return { audio, anchor };
}

function plan(score: Score, { frames, price, maxBytes, seconds }: FilmEstimate): FilmPlan {
  return { score: asInput(score), frames, price, maxBytes, seconds };
}

function asInput({ parts, ...score }: Score): FilmScore {
  return { ...score, parts };
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
