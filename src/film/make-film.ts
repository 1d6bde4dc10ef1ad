import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { type FilmInput, filmLimits, type Score } from '../contract/film/film-schema.ts';
import { type ClipFiles, clipSettings, drawSeed } from '../contract/input/clip-settings.ts';
import type { InputWithLoras } from '../contract/input/input.ts';
import type { VideoFile } from '../media/video-encoder.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import type { ChosenDevice } from '../pipeline/choose-device.ts';
import type { ClipInspector } from '../pipeline/clip-inspector.ts';
import type { Preview, Progress } from '../pipeline/engine/engine-messages.ts';
import { type ClipServices, generateClip } from '../pipeline/generate-clip.ts';
import { throwIfCancelled } from '../shared/cancellation.ts';
import { SoundstageError } from '../shared/errors.ts';
import { formatBytes } from '../shared/quantities.ts';
import { errorCode, systemError } from '../shared/system-code.ts';
import { estimateFilm, type FilmEstimate } from './estimate.ts';
import { joinFilm } from './join-film.ts';
import { atPart, partAt, partInput, partSettings } from './part-clip.ts';
import { digest, isCurrent, keptScore, type PartRecord, PartStore } from './part-store.ts';
import { type Redo, withRedo } from './resume-score.ts';
import { composeScore } from './score.ts';

/** What films are made with. */
export interface FilmStudio {
  /** Id or folder of the weights. */
  readonly model: string;
  readonly weights: WeightSet;
  readonly device: ChosenDevice;
  readonly services: ClipServices;
  readonly inspector: ClipInspector | undefined;
  /** Brings the images and LoRAs of a part to this machine. */
  files(input: InputWithLoras): Promise<{ readonly files: ClipFiles } & AsyncDisposable>;
}

/** Files on this machine. */
export interface FilmFiles {
  readonly audio: string;
  readonly anchor: string | undefined;
}

export interface FilmProgress {
  /** The part that is being made, from 1; one more than there are while they are joined. */
  readonly part: number;
  readonly parts: number;
  readonly phase: Progress['phase'] | 'join';
  /** Of the whole film, 0…1. */
  readonly fraction: number;
  /** Seconds of work left, from what parts took so far; undefined where none is made yet. */
  readonly secondsLeft: number | undefined;
}

export interface FilmOptions {
  readonly output: string;
  /** Where parts are kept. */
  readonly folder: string;
  /** Makes a part again, from 1, with this seed or another one; the others stay. */
  readonly redo?: Redo | undefined;
  /** Makes nothing, and joins the parts that are there, up to the first that is missing. */
  readonly soFar?: boolean | undefined;
  /** Whether parts stay once the film is there, to be made again one by one. Default: yes. */
  readonly keepParts?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of the score, and what it takes to make what is missing of it, before anything is made. */
  readonly onScore?: ((score: Score, estimate: FilmEstimate) => void) | undefined;
  readonly onProgress?: ((progress: FilmProgress) => void) | undefined;
  readonly onPreview?: ((preview: Preview) => void | Promise<void>) | undefined;
  readonly onNote?: ((note: string) => void) | undefined;
}

export interface Film {
  readonly file: VideoFile;
  readonly score: Score;
  /** Of its parts; those in the file. */
  readonly parts: readonly PartRecord[];
  /** Parts that were made by this call. */
  readonly made: number;
}

/**
 * The score that an input leads to: what is kept in the folder of the same input, else a new one.
 *
 * @throws SoundstageError `input`
 */
export async function scoreOf(
  input: FilmInput,
  files: FilmFiles,
  { media }: Pick<ClipServices, 'media'>,
  { folder, signal }: Pick<FilmOptions, 'folder' | 'signal'>,
): Promise<{ readonly asked: string; readonly score: Score }> {
  const asked = digest([input, await contentOf(files.audio, 'audio_url')]);
  const kept = await keptScore(folder, asked);
  if (kept !== undefined) return { asked, score: kept };
  const maxSeconds = filmLimits.maxSeconds + 1 / input.fps;
  const profile = await media.profileSound(files.audio, { field: 'audio_url', maxSeconds, signal });
  return { asked, score: composeScore(input, profile, drawSeed()) };
}

/**
 * Makes a film: part after part into its folder, which are kept, then one file of them. What is there already is not made
 * again, so that a film whose making was broken off goes on with the part that was under way.
 *
 * @throws SoundstageError `input` naming the field, also where a part is refused: the others are made and kept
 */
export async function makeFilm(
  input: FilmInput,
  files: FilmFiles,
  studio: FilmStudio,
  options: FilmOptions,
): Promise<Film> {
  using store = await PartStore.open(options.folder);
  const { asked, score: first } = await scoreOf(input, files, studio.services, options);
  const { redo } = options;
  const isThere = redo !== undefined && (await store.record(redo.part)) !== undefined;
  const score = redo === undefined ? first : withRedo(first, [redo], () => isThere, drawSeed);
  await store.keepScore({ input, asked, score, model: studio.model, precision: studio.device.precision });
  const film = await new FilmMaking(score, files, studio, options, store).run();
  if (options.keepParts === false && film.parts.length === score.parts.length) await store.remove();
  return film;
}

class FilmMaking {
  readonly #score: Score;
  readonly #files: FilmFiles;
  readonly #studio: FilmStudio;
  readonly #options: FilmOptions;
  readonly #store: PartStore;
  readonly #records = new Map<number, PartRecord>();
  #made = 0;

  constructor(score: Score, files: FilmFiles, studio: FilmStudio, options: FilmOptions, store: PartStore) {
    this.#score = score;
    this.#files = files;
    this.#studio = studio;
    this.#options = options;
    this.#store = store;
  }

  async run(): Promise<Film> {
    const { onScore, onNote, soFar } = this.#options;
    const missing = await this.#missing();
    const left = missing.reduce((sum, index) => sum + this.#framesOf(index), 0);
    const estimate = estimateFilm(this.#score, [...this.#records.values()], left);
    onScore?.(this.#score, estimate);
    if (!soFar) await this.#requireSpace((estimate.maxBytes / estimate.frames) * left);
    for (const note of this.#studio.device.notes) onNote?.(note);
    const refused = soFar ? undefined : await this.#makeMissing(missing);
    if (refused !== undefined) throw refused;
    return await this.#join(soFar ? (missing[0] ?? this.#score.parts.length) : this.#score.parts.length);
  }

  /** Reads what is there, and says which parts are not: those of another score, and those that went on from one of these. */
  async #missing(): Promise<readonly number[]> {
    const missing: number[] = [];
    for (const index of this.#score.parts.keys()) {
      const [record, key] = [await this.#store.record(index), await this.#keyOf(index)];
      const before = this.#records.get(index - 1);
      if (isCurrent(this.#score, index, record, { key, before })) this.#records.set(index, record);
      else missing.push(index);
    }
    return missing;
  }

  /** @returns the error of the first part that was refused, after all that can be made without it */
  async #makeMissing(missing: readonly number[]): Promise<unknown> {
    let refused: unknown;
    for (const index of missing) {
      if (this.#continues(index) && !this.#records.has(index - 1)) continue;
      await throwIfCancelled(this.#options.signal);
      try {
        await this.#make(index);
      } catch (error) {
        const told = atPart(error, index);
        if (told === error) throw error;
        refused ??= told;
      }
    }
    return refused;
  }

  async #make(index: number): Promise<void> {
    const { weights, device, services, inspector } = this.#studio;
    const { signal, onPreview, onNote } = this.#options;
    const before = this.#continues(index) ? this.#records.get(index - 1) : undefined;
    const after = partAt(this.#score, index).meets_next ? await this.#store.record(index + 1) : undefined;
    const input = partInput(this.#score, index);
    await using fetched = await this.#studio.files({ ...input, audio_url: this.#files.audio });
    const chosen = {
      seed: partAt(this.#score, index).seed,
      device: device.device,
      deviceMemory: device.memory,
      precision: device.precision,
    };
    const settings = {
      ...clipSettings(input, { ...fetched.files, audio: this.#files.audio }, chosen),
      ...partSettings(this.#score, index, {
        before: before && this.#store.path(index - 1),
        after: after && this.#store.path(index + 1),
        anchor: this.#files.anchor,
      }),
    };
    await this.#store.forget(index);
    const clip = await generateClip(settings, weights, services, {
      output: this.#store.path(index),
      signal,
      inspector: this.#score.enable_safety_checker ? inspector : undefined,
      onProgress: ({ phase, fraction }) => this.#report(index, phase, fraction),
      onPreview,
      onNote: (note) => onNote?.(`part ${index + 1}: ${note}`),
    });
    const key = await this.#keyOf(index);
    const made = { key, before: before?.id, id: digest([key, before?.id, after?.id]) };
    const { prompt } = clip.plan;
    const record = { ...made, prompt, seconds: clip.seconds, frames: this.#framesOf(index) };
    this.#records.set(index, await this.#store.keep(index, record));
    this.#made++;
  }

  async #join(count: number): Promise<Film> {
    const { output, signal } = this.#options;
    if (count === 0)
      throw new SoundstageError('input', 'no part of the film is there yet: make it first', { field: 'output' });
    const indices = [...this.#score.parts.keys()].slice(0, count);
    this.#report(count, 'join', 0);
    const file = await joinFilm(this.#score, this.#studio.services.media, {
      parts: indices.map((index) => this.#store.path(index)),
      audio: this.#files.audio,
      output,
      signal,
    });
    if (count === this.#score.parts.length) await this.#store.removeFrom(count);
    const parts = indices.flatMap((index) => this.#records.get(index) ?? []);
    return { file, score: this.#score, parts, made: this.#made };
  }

  #report(index: number, phase: FilmProgress['phase'], fraction: number): void {
    const parts = this.#score.parts.length;
    const ready = [...this.#records.values()];
    const framesReady = ready.reduce((sum, { frames }) => sum + frames, 0);
    const underWay = index < parts ? this.#framesOf(index) * fraction : 0;
    const frames = this.#score.parts.at(-1)?.end ?? 0;
    const done = framesReady + underWay;
    const { seconds: secondsLeft } = estimateFilm(this.#score, ready, frames - done);
    this.#options.onProgress?.({ part: index + 1, parts, phase, fraction: done / frames, secondsLeft });
  }

  /** @throws SoundstageError `device` where the disk has no room for the parts that are missing */
  async #requireSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#store.folder);
    if (bavail * bsize >= bytes) return;
    const message = `the parts of the film may take ${formatBytes(bytes)}, and the disk of ${this.#store.folder} has ${formatBytes(bavail * bsize)} free: free some space, or choose an output on another disk`;
    throw new SoundstageError('device', message, { cause: systemError('ENOSPC') });
  }

  #continues(index: number): boolean {
    return partAt(this.#score, index).continues;
  }

  #framesOf(index: number): number {
    const { start, end } = partAt(this.#score, index);
    return end - start;
  }

  /** Of everything that a part is made from, except for other parts. */
  async #keyOf(index: number): Promise<string> {
    const { audio_url: _, ...input } = partInput(this.#score, index);
    const { start, continues, meets_next: meets } = partAt(this.#score, index);
    const { overlap, overlap_strength: overlapStrength, anchor_strength: anchorStrength } = this.#score;
    const { audio, anchor } = this.#files;
    const { device, precision = 'exact' } = this.#studio.device;
    return digest([
      { ...input, video_output_type: null, video_quality: null, video_write_mode: null, enable_safety_checker: null },
      [this.#studio.weights.id, this.#studio.weights.bundle, device, precision],
      [await contentOf(audio, 'audio_url'), start, meets, continues && [overlap, overlapStrength]],
      anchor === undefined ? null : [await contentOf(anchor, 'anchor_url'), anchorStrength],
      await Promise.all([input.image_url, ...input.loras.map(({ path }) => path)].map(identityOf)),
    ]);
  }
}

const contents = new Map<string, string>();

/** Tells the content of a file from any other. @throws SoundstageError `input` where there is none */
async function contentOf(path: string, field: string): Promise<string> {
  const { size, mtimeMs } = await stat(path).catch((cause: unknown) => {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    throw new SoundstageError('input', `${field} ${path} does not exist`, { field, cause });
  });
  const state = `${path} ${size} ${mtimeMs}`;
  const known = contents.get(state);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  const content = hash.digest('hex');
  contents.set(state, content);
  return content;
}

/** What tells a file from another one under the same name; null where it is none of this machine. */
async function identityOf(reference: string | undefined): Promise<readonly number[] | null> {
  const found = reference === undefined ? undefined : await stat(reference).catch(() => undefined);
  return found?.isFile() ? [found.size, found.mtimeMs] : null;
}
