import { join } from 'node:path';
import { type Fetcher, openFetcher } from '../../fetching/fetcher.ts';
import type { FileStore } from '../../files/file-store.ts';
import { partAt, partSettings } from '../../film/part-clip.ts';
import { MediaService } from '../../media/media-service.ts';
import { videoFormat } from '../../media/video-settings.ts';
import { resolveWeights } from '../../models/resolve-weights.ts';
import type { WeightSet } from '../../models/weight-folder.ts';
import { type ChosenDevice, chooseDevice, chosenAgain } from '../../pipeline/choose-device.ts';
import { Engine } from '../../pipeline/engine/engine.ts';
import type { EnginePlace } from '../../pipeline/engine-places.ts';
import { type Clip, generateClip } from '../../pipeline/generate-clip.ts';
import { SafetyChecker } from '../../safety/safety-checker.ts';
import type { Configuration } from '../../shared/configuration.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { Lazy } from '../../shared/lazy.ts';
import type { Logger } from '../../shared/logger.ts';
import { systemCode } from '../../shared/system-code.ts';
import type { ClipMaker, ClipMakerContext, ClipRequest, FilmMaker, MadeClip, PreparedClip } from '../clip-maker.ts';
import { type FetchedInputs, fetchInputs, type InputSources, ownFilesOf } from './fetch-inputs.ts';
import { fetchStored, StoredFilmMaker } from './film-maker.ts';
import { ProgressLog } from './progress-log.ts';

export interface PipelineClipMakerOptions {
  readonly configuration: Configuration;
  readonly files: FileStore;
  readonly logger: Logger;
  /** Default: the configured device, whichever GPU is the first. */
  readonly place?: EnginePlace | undefined;
  /** Told how long each phase of a clip took, in seconds. */
  readonly onPhases?: ((seconds: Readonly<Record<string, number>>) => void) | undefined;
}

/** What a clip is made with. */
interface ClipResources {
  /** What makes the clip part of a film. */
  readonly film: Partial<ReturnType<typeof partSettings>>;
  readonly weights: WeightSet;
  readonly inputs: FetchedInputs;
  readonly inspector: SafetyChecker | undefined;
}

/**
 * Makes clips with the model. The engine and the media processes stay for the next clip; one that dies is started anew,
 * and the clip it had fails with `crash`.
 */
export class PipelineClipMaker implements ClipMaker {
  readonly films: FilmMaker;
  readonly #options: PipelineClipMakerOptions;
  readonly #fetcher: Fetcher;
  readonly #engine: Engine;
  readonly #media: MediaService;
  readonly #checker: SafetyChecker;
  readonly #stack: AsyncDisposableStack;
  /** The last that worked. */
  #known: ChosenDevice | undefined;
  /** Probed once; a device that does not work may work later. */
  #device = this.#chosenDevice();

  private constructor(options: PipelineClipMakerOptions, fetcher: Fetcher, stack: AsyncDisposableStack) {
    this.#options = options;
    this.#fetcher = fetcher;
    this.#stack = stack;
    this.#media = stack.use(new MediaService());
    this.#engine = stack.use(new Engine({ gpu: options.place?.gpu }));
    this.films = new StoredFilmMaker({ fetcher, files: options.files, media: this.#media });
    this.#checker = stack.use(new SafetyChecker({ model: options.configuration.SOUNDSTAGE_SAFETY_MODEL }));
  }

  static async open(options: PipelineClipMakerOptions): Promise<PipelineClipMaker> {
    const stack = new AsyncDisposableStack();
    const fetcher = stack.use(await openFetcher(options.configuration));
    return new PipelineClipMaker(options, fetcher, stack);
  }

  /** Process id of the engine, while there is one. */
  get enginePid(): number | undefined {
    return this.#engine.pid;
  }

  async prepare(request: ClipRequest, context: ClipMakerContext): Promise<PreparedClip> {
    const { input } = request;
    const inspector = input.enable_safety_checker ? this.#checker : undefined;
    // Before anything is fetched for it.
    await inspector?.checkPrompt(input.prompt);
    const cameras = input.camera_lora === 'none' ? [] : [input.camera_lora];
    const weights = await resolveWeights(this.#options.configuration.SOUNDSTAGE_MODEL, { cameras });
    const findOwnFile = ownFilesOf(request, this.#options.files);
    context.log('INFO', 'fetching inputs');
    const { fetcher, film } = await this.#ofFilm(request, context);
    const inputs = await fetchInputs(input, { fetcher, findOwnFile, weights }, context);
    return {
      make: () => this.#make(request, context, { weights, inputs, inspector, film }),
      [Symbol.asyncDispose]: () => inputs[Symbol.asyncDispose](),
    };
  }

  async probe(): Promise<void> {
    await resolveWeights(this.#options.configuration.SOUNDSTAGE_MODEL);
    // Anew: where `auto` chose a GPU that is lost since, it chooses what else there is.
    this.#device = this.#chosenDevice();
    await this.#device.get();
  }

  /** What a part of a film is made from besides its own inputs, and a fetcher that has the recording already. */
  async #ofFilm(
    { part }: ClipRequest,
    { folder }: ClipMakerContext,
  ): Promise<{ readonly fetcher: InputSources['fetcher'] } & Pick<ClipResources, 'film'>> {
    if (part === undefined) return { fetcher: this.#fetcher, film: {} };
    const { film, index } = part;
    const { score, parts } = film;
    const { continues, meets_next: meets } = partAt(score, index);
    const take = async (id: string | undefined, name: string): Promise<string | undefined> =>
      id === undefined ? undefined : await fetchStored(this.#options.files, id, join(folder, name), name);
    const recording = await fetchStored(this.#options.files, film.audio, join(folder, 'recording'), 'the recording');
    const fetcher = this.#fetcher;
    return {
      fetcher: {
        timeout: fetcher.timeout,
        lora: fetcher.lora.bind(fetcher),
        input: async (address, options) =>
          options.field === 'audio_url' ? recording : await fetcher.input(address, options),
      },
      film: partSettings(score, index, {
        before: continues ? await take(parts[index - 1]?.file, 'before.mkv') : undefined,
        after: meets ? await take(parts[index + 1]?.file, 'after.mkv') : undefined,
        anchor: await take(film.anchor, 'anchor'),
      }),
    };
  }

  #chosenDevice(): Lazy<ChosenDevice> {
    return new Lazy(async () => {
      const { configuration, place } = this.#options;
      const { SOUNDSTAGE_DEVICE: device, SOUNDSTAGE_GPU_MEMORY: gpuMemory } = configuration;
      const { SOUNDSTAGE_PRECISION: precision } = configuration;
      const chosen = await chooseDevice(place?.device ?? device, { gpu: place?.gpu, gpuMemory, precision });
      this.#known = chosenAgain(chosen, this.#known);
      return this.#known;
    });
  }

  async #make(
    request: ClipRequest,
    context: ClipMakerContext,
    { weights, inputs, inspector, film }: ClipResources,
  ): Promise<MadeClip> {
    const { endpoint, input, seed } = request;
    const { folder, signal, log } = context;
    const { device, memory, precision, notes } = await this.#device.get();
    const chosen = { seed, device, deviceMemory: memory, precision };
    const settings = { ...endpoint.toSettings(input, inputs.files, chosen), ...film };
    const { title } = this.#options.place ?? {};
    log('INFO', `seed ${seed}, ${weights.id} on ${device}${title === undefined ? '' : ` (${title})`}`);
    for (const note of notes) log('INFO', note);
    const progress = new ProgressLog(log);
    const output = join(folder, `ltx-2-a2v-output${videoFormat(settings.videoOutputType).extension}`);
    const services = { engine: this.#engine, media: this.#media };
    const clip = await generateClip(settings, weights, services, {
      output,
      signal,
      inspector,
      onProgress: (event) => {
        progress.update(event);
        context.onProgress(event);
      },
      onPreview: context.onPreview,
      onNote: (note) => log('INFO', note),
    }).catch((error: unknown) => {
      const isOfRuntime =
        error instanceof SoundstageError && error.kind === 'device' && systemCode(error) === undefined;
      // A device that was lost, or memory that was taken, would stay so for this process.
      if (isOfRuntime) this.#engine.stop();
      throw error;
    });
    this.#summarize(request, clip, context);
    return { file: clip.file, seed: clip.plan.seed, prompt: clip.plan.prompt };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  #summarize({ id, input }: ClipRequest, { file, plan, report, seconds }: Clip, { log }: ClipMakerContext): void {
    if (plan.prompt !== input.prompt) log('INFO', `expanded prompt: ${plan.prompt}`);
    log('INFO', `${file.width}x${file.height}, ${file.frames} frames, made in ${seconds.toFixed(1)} s`);
    const { phases, runtimeSeconds, peakMemory } = report;
    this.#options.onPhases?.(phases);
    this.#options.logger.debug('a clip is made', { request: id, seconds, runtimeSeconds, peakMemory, phases });
  }
}
