import '../shared/platform/disposable-stacks.ts';
import { resolve } from 'node:path';
import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import { pathOfField } from '../contract/errors/error-location.ts';
import type { Score } from '../contract/film/film-schema.ts';
import type { InputWithLoras as Input } from '../contract/input/input.ts';
import { estimateFilm, type FilmEstimate } from '../film/estimate.ts';
import { makeFilm, scoreOf } from '../film/make-film.ts';
import { partsFolder } from '../film/part-store.ts';
import { filmFiles, filmStudio } from '../local/film-studio.ts';
import { LocalFirst } from '../local/local-first.ts';
import { makeClip, type Studio, temporaryFolder } from '../local/make-clip.ts';
import { MediaService } from '../media/media-service.ts';
import type { ChosenDevice } from '../pipeline/choose-device.ts';
import { Engine } from '../pipeline/engine/engine.ts';
import type { Clip as GeneratedClip } from '../pipeline/generate-clip.ts';
import { SafetyChecker } from '../safety/safety-checker.ts';
import { cancelled } from '../shared/cancellation.ts';
import { SoundstageError } from '../shared/errors.ts';
import { Lazy } from '../shared/lazy.ts';
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
import { defaultOutput, readFilmInput, readInput } from './local-input.ts';

interface LocalOptions extends Pick<SoundstageOptions, 'gpu' | 'safetyModel'> {
  readonly model: string;
  readonly chosen: ChosenDevice;
}

/** A model on this machine, in processes that it owns. */
export class LocalSoundstage implements Soundstage {
  readonly device: Soundstage['device'];
  readonly notes: readonly string[];
  readonly #owned = new AsyncDisposableStack();
  readonly #studio: Studio;
  /** The model makes one clip at a time. */
  readonly #turns = new Mutex();

  constructor({ model, gpu, safetyModel, chosen }: LocalOptions) {
    this.device = chosen.device;
    this.notes = chosen.notes;
    this.#studio = {
      model,
      // Its notes are told already.
      device: new Lazy(async () => ({ ...chosen, notes: [] })),
      services: { engine: this.#owned.use(new Engine({ gpu })), media: this.#owned.use(new MediaService()) },
      checker: this.#owned.use(new SafetyChecker({ model: safetyModel })),
      names: this.#owned.use(new LocalFirst()),
    };
  }

  async generate(given: ClipInput, options: GenerateOptions = {}): Promise<Clip> {
    const input = readInput(given, options.output);
    const output = resolve(options.output ?? defaultOutput(input));
    return await this.#turns.run(async () => published(await this.#make(input, output, options)));
  }

  async film(given: FilmInput, options: FilmOptions = {}): Promise<Film> {
    const { output = 'film.mp4', onPlan, onPreview, ...rest } = options;
    const input = readFilmInput(given, output);
    return await this.#turns.run(async () => {
      this.#requireOpen(options);
      await using fetched = await temporaryFolder();
      const fetching = { folder: fetched.path, signal: options.signal, onNote: options.onNote };
      const files = await filmFiles(input, this.#studio.names, fetching);
      const studio = await filmStudio(input, this.#studio, fetching);
      const { file, score, parts, made } = await makeFilm(input, files, studio, {
        ...rest,
        output: resolve(output),
        folder: partsFolder(resolve(output)),
        onScore: onPlan && ((planned, estimate) => onPlan(plan(planned, estimate))),
        onPreview: onPreview && (({ type, ...preview }) => onPreview(preview)),
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
    this.#requireOpen(options);
    await using fetched = await temporaryFolder();
    const files = await filmFiles(input, this.#studio.names, { folder: fetched.path, signal });
    const folder = partsFolder(resolve(output));
    const { score } = await scoreOf(input, files, this.#studio.services, { folder, signal });
    return plan(score, estimateFilm(score, [], 0));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }

  #requireOpen({ signal }: Pick<GenerateOptions, 'signal'>): void {
    if (signal?.aborted) throw cancelled();
    if (this.#owned.disposed) throw new Error('this Soundstage is disposed of: open another one');
  }

  async #make(input: Input, output: string, options: GenerateOptions): Promise<GeneratedClip> {
    const { signal, onProgress, onPreview, onNote } = options;
    this.#requireOpen(options);
    const clip = makeClip(input, this.#studio, {
      output,
      signal,
      onProgress: onProgress && (({ type, ...progress }) => onProgress(progress)),
      onPreview: onPreview && (({ type, ...preview }) => onPreview(preview)),
      onNote,
    });
    return await clip.catch((error: unknown) => {
      throw inTermsOfInput(error);
    });
  }
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
