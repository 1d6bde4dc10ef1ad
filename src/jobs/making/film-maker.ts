import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type FilmRequest, filmLimits, type Score } from '../../contract/film/film-schema.ts';
import { drawSeed } from '../../contract/input/clip-settings.ts';
import { downloadError } from '../../fetching/download-error.ts';
import type { Fetcher } from '../../fetching/fetcher.ts';
import type { FileStore } from '../../files/file-store.ts';
import { joinFilm } from '../../film/join-film.ts';
import { timelineOf } from '../../film/prompt-timeline.ts';
import { type Redo, reusableParts, withRedo } from '../../film/resume-score.ts';
import { composeScore } from '../../film/score.ts';
import type { MediaService } from '../../media/media-service.ts';
import { videoFormat } from '../../media/video-settings.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { FilmContext, FilmMaker, FilmTask, MadeClip, PlannedFilm } from '../clip-maker.ts';
import type { KnownFilm } from '../request/film-rows.ts';
import { ownFilesOf } from './fetch-inputs.ts';

export interface FilmMakerServices {
  readonly fetcher: Pick<Fetcher, 'input'>;
  readonly files: FileStore;
  readonly media: MediaService;
}

/** What a film needs besides the model: its score, and its file. */
export class StoredFilmMaker implements FilmMaker {
  readonly #services: FilmMakerServices;

  constructor(services: FilmMakerServices) {
    this.#services = services;
  }

  async plan(task: FilmTask, resumed: KnownFilm | undefined, context: FilmContext): Promise<PlannedFilm> {
    const { seed, input: request } = task;
    const { resume, redo = [], so_far: soFar, audio_url: audioUrl, ...input } = request;
    if (resume === undefined && (redo.length > 0 || soFar)) {
      const field = soFar ? 'so_far' : 'redo';
      throw refused(field, `${field} is for a film that is there: name it with resume`);
    }
    if (resume !== undefined) {
      if (resumed === undefined) throw refused('resume', `there is no film ${resume} of yours to go on with`);
      return await this.#resume({ parts: input.parts, redo, soFar }, resumed, context);
    }
    if (audioUrl === undefined)
      throw refused('audio_url', 'audio_url is missing: name a recording, or a film to resume');
    const { folder, signal, log } = context;
    const findOwnFile = ownFilesOf(task, this.#services.files);
    const fetch = (address: string, field: string): Promise<string> =>
      this.#services.fetcher.input(address, { folder, field, findOwnFile, signal });
    log('INFO', 'listening to the recording');
    const audio = await fetch(audioUrl, 'audio_url');
    const anchor = input.anchor_url === undefined ? undefined : await fetch(input.anchor_url, 'anchor_url');
    const maxSeconds = filmLimits.maxSeconds + 1 / input.fps;
    const profile = await this.#services.media.profileSound(audio, { field: 'audio_url', maxSeconds, signal });
    const score = composeScore({ ...input, audio_url: audioUrl }, profile, seed);
    return { score, audio, anchor, parts: [] };
  }

  async join({ score, audio, parts }: KnownFilm, context: FilmContext): Promise<MadeClip> {
    const { folder, signal, log } = context;
    const { files, media } = this.#services;
    log('INFO', `joining ${parts.length} parts`);
    const paths: string[] = [];
    for (const [index, part] of parts.entries()) {
      if (part === undefined) throw new Error(`part ${index + 1} of the film is not made`);
      paths.push(await fetchStored(files, part.file, join(folder, `part-${index}.mkv`), `part ${index + 1}`));
    }
    const file = await joinFilm(score, media, {
      parts: paths,
      audio: await fetchStored(files, audio, join(folder, 'recording'), 'the recording'),
      output: join(folder, `soundstage-film${videoFormat(score.video_output_type).extension}`),
      signal,
    });
    return { file, seed: score.seed, prompt: timelineOf(score) };
  }

  /** Takes the score of another film, and its parts as far as they are as it says. */
  async #resume(
    { parts, redo, soFar }: Pick<FilmRequest, 'parts'> & { readonly redo: readonly Redo[]; readonly soFar: boolean },
    before: KnownFilm,
    { folder }: FilmContext,
  ): Promise<PlannedFilm> {
    const { files, media } = this.#services;
    const stored = await Promise.all(before.parts.map((part) => part && files.find(part.file)));
    const isThere = (index: number): boolean => stored[index] !== undefined;
    const audio = await fetchStored(files, before.audio, join(folder, 'recording'), 'the recording');
    const anchor = before.anchor && (await fetchStored(files, before.anchor, join(folder, 'anchor'), 'the anchor'));
    if (soFar) {
      const missing = stored.indexOf(undefined);
      const there = missing < 0 ? before.parts : before.parts.slice(0, missing);
      if (there.length === 0) throw refused('so_far', 'no part of the film is there yet: wait for the first');
      const score = { ...before.score, parts: before.score.parts.slice(0, there.length) };
      return { score, audio, anchor, parts: there };
    }
    const edited: Score =
      parts === undefined
        ? before.score
        : composeScore(
            { ...before.score, parts, cut: 'quiet' },
            await media.profileSound(audio, { field: 'audio_url', maxSeconds: filmLimits.maxSeconds + 1 }),
            before.score.seed,
          );
    const score = withRedo(edited, redo, isThere, drawSeed);
    const reusable = reusableParts(score, before.score, isThere);
    return { score, audio, anchor, parts: before.parts.map((part, index) => (reusable[index] ? part : undefined)) };
  }
}

/** Brings a file of the store to this machine. @throws SoundstageError `input` where it is gone */
export async function fetchStored(files: FileStore, id: string, path: string, name: string): Promise<string> {
  const opened = await files.open(id);
  if (opened === undefined) {
    throw downloadError({ field: 'resume' }, `${name} of the film is not kept any more: ask for the film anew`);
  }
  await pipeline(opened.stream, createWriteStream(path));
  return path;
}

function refused(field: string, message: string): SoundstageError {
  return new SoundstageError('input', message, { field });
}
