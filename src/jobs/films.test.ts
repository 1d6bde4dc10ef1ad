import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { startDatabases } from '../../test/support/databases/databases.ts';
import { film } from '../contract/endpoints/film.ts';
import type { Score } from '../contract/film/film-schema.ts';
import { reusableParts, withRedo } from '../film/resume-score.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { FilmContext, FilmMaker, FilmTask, MadeClip, PlannedFilm } from './clip-maker.ts';
import { openJobs, submission, TestClipMaker, type TestJobs, untilAborted } from './jobs.test-support.ts';
import type { KnownFilm } from './request/film-rows.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

const base = 'http://localhost/cdn';

/** Plans without listening; its files are texts. */
class TestFilmMaker implements FilmMaker {
  readonly #jobs: TestJobs;

  constructor(jobs: TestJobs) {
    this.#jobs = jobs;
  }

  async plan({ input }: FilmTask, resumed: KnownFilm | undefined, { folder }: FilmContext): Promise<PlannedFilm> {
    const audio = join(folder, 'recording');
    await writeFile(audio, 'a song');
    if (resumed === undefined) {
      const { parts = [], resume: _, redo: __, so_far: ___, ...rest } = input;
      const score = { ...rest, audio_url: 'song', seed: 1, parts } satisfies Score;
      return { score, audio, anchor: undefined, parts: [] };
    }
    const isThere = (index: number): boolean => resumed.parts[index] !== undefined;
    const score = withRedo(resumed.score, input.redo ?? [], isThere, () => 99);
    const reusable = reusableParts(score, resumed.score, isThere);
    return {
      score,
      audio,
      anchor: undefined,
      parts: resumed.parts.map((part, at) => (reusable[at] ? part : undefined)),
    };
  }

  async join({ parts, audio }: KnownFilm, { folder }: FilmContext): Promise<MadeClip> {
    const contents = await Promise.all([audio, ...parts.map((part) => part?.file ?? '')].map((id) => this.#read(id)));
    const path = join(folder, 'film.mp4');
    await writeFile(path, contents.join(', '));
    const file = { path, contentType: 'video/mp4', fileSize: 1, width: 64, height: 64 };
    return { file: { ...file, fps: { num: 25, den: 1 }, frames: 30, duration: 1.2 }, seed: 1, prompt: 'all' };
  }

  async #read(id: string): Promise<string> {
    const opened = await this.#jobs.files.open(id);
    if (opened === undefined) throw new Error(`the file ${id} is gone`);
    return await text(opened.stream);
  }
}

/** Clips and films. */
class TestMaker extends TestClipMaker {
  readonly films: FilmMaker;
  /** Parts, from 1, in the order in which they were begun. */
  readonly parts: number[] = [];

  constructor(jobs: TestJobs) {
    super();
    this.films = new TestFilmMaker(jobs);
    this.behavior = async ({ part }) => {
      if (part !== undefined) this.parts.push(part.index + 1);
    };
  }
}

/** Parts of ten frames; those with a plus go on from the one before. */
function filmOf(...prompts: readonly string[]) {
  const parts = prompts.map((prompt, index) => ({
    start: 10 * index,
    end: 10 * index + 10,
    prompt: prompt.replace('+', ''),
    seed: index,
    continues: prompt.startsWith('+'),
  }));
  return request({ audio_url: 'https://example.com/song.wav', parts, video_size: { width: 1000, height: 500 } });
}

const request = (input: unknown) => ({ ...submission({ endpoint: film }), input });

describe.each(databases.kinds)('a film (%s)', (kind) => {
  test('is made part after part, joined, and paid for by the part; the history has it as one', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const maker = new TestMaker(jobs);
    const { id } = await jobs.requests.submit(filmOf('one', '+two', '+three'));
    await jobs.worker(maker);
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
    expect(maker.parts).toEqual([1, 2, 3]);
    expect(await jobs.fileOf(id)).toBe('a song, clip of one, clip of two, clip of three');
    const outcome = await jobs.requests.outcome(id, base);
    expect(outcome?.body).toMatchObject({ video: { num_frames: 30 }, parts: [{ prompt: 'one' }, {}, { start: 20 }] });
    const { items } = await jobs.requests.list({ endpoints: [film.id], limit: 10 });
    expect(items.map((item) => item.id)).toEqual([id]);
    // Three frames of half a megapixel each.
    const [usage] = await jobs.requests.usage({ bucket: 'day' });
    expect(usage).toMatchObject({ endpoint: film.id, requests: 3, units: 6 });
    const logs = (await jobs.requests.logs(id)).map(({ message }) => message);
    expect(logs).toContain('3 parts, 0 of them are there; 30 frames, $0.015, at most 47.2 MB of parts');
  });

  test('scenes are made at the same time by several workers, and no worker has the film meanwhile', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const makers = [new TestMaker(jobs), new TestMaker(jobs)] as const;
    const waiting = Promise.withResolvers<void>();
    for (const maker of makers) {
      const { behavior } = maker;
      maker.behavior = async (part, context) => {
        await behavior(part, context);
        await waiting.promise;
      };
    }
    const { id } = await jobs.requests.submit(filmOf('one', 'two', '+three'));
    for (const maker of makers) await jobs.worker(maker);
    await vi.waitFor(() => expect(makers.map(({ parts }) => parts.length)).toEqual([1, 1]), { timeout: 10_000 });
    expect(makers.flatMap(({ parts }) => parts).sort()).toEqual([1, 2]);
    expect(await jobs.requests.status(id)).toMatchObject({ state: 'IN_PROGRESS' });
    expect(await jobs.requests.progress(id)).toMatchObject({ progress: { phase: 'parts', step: 0, steps: 3 } });
    waiting.resolve();
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
    expect(await jobs.fileOf(id)).toBe('a song, clip of one, clip of two, clip of three');
  });

  test('that is cancelled cancels its parts; another one goes on with those that are made', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const maker = new TestMaker(jobs);
    const { behavior } = maker;
    const reached = Promise.withResolvers<void>();
    maker.behavior = async (part, context) => {
      await behavior(part, context);
      if (part.part?.index !== 1) return;
      reached.resolve();
      await untilAborted(part, context);
    };
    const { id } = await jobs.requests.submit(filmOf('one', '+two', '+three'));
    await jobs.worker(maker);
    await reached.promise;
    expect(await jobs.requests.cancel(id, 'client_cancelled')).toBe('requested');
    expect(await jobs.requests.outcome(id, base)).toMatchObject({ body: { error_type: 'client_cancelled' } });
    await vi.waitFor(async () => expect(await jobs.requests.counts()).toEqual({ waiting: 0, running: 0 }));
    maker.behavior = behavior;
    maker.parts.splice(0);
    const resumed = await jobs.requests.submit(request({ resume: id }));
    expect(await jobs.completed(resumed.id)).toMatchObject({ statusCode: 200 });
    expect(maker.parts).toEqual([2, 3]);
    expect(await jobs.fileOf(resumed.id)).toBe('a song, clip of one, clip of two, clip of three');
  });

  test('has one part made again, and the rest stays', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const maker = new TestMaker(jobs);
    const { id } = await jobs.requests.submit(filmOf('one', '+two', '+three'));
    await jobs.worker(maker);
    await jobs.completed(id);
    maker.parts.splice(0);
    const again = await jobs.requests.submit(request({ resume: id, redo: [{ part: 2, seed: 5 }] }));
    expect(await jobs.completed(again.id)).toMatchObject({ statusCode: 200 });
    expect(maker.parts).toEqual([2]);
    const outcome = await jobs.requests.outcome(again.id, base);
    expect(outcome?.body).toMatchObject({ parts: [{ seed: 0 }, { seed: 5, meets_next: true }, { seed: 2 }] });
  });

  test('whose part is refused says which, once everything else is made', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const maker = new TestMaker(jobs);
    const { behavior } = maker;
    maker.behavior = async (part, context) => {
      await behavior(part, context);
      if (part.input.prompt !== 'two') return;
      throw new SoundstageError('input', 'the prompt is not allowed', {
        field: 'prompt',
        type: 'content_policy_violation',
      });
    };
    const { id } = await jobs.requests.submit(filmOf('one', 'two', '+three', 'four'));
    await jobs.worker(maker);
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 422 });
    expect(await jobs.requests.outcome(id, base)).toMatchObject({
      body: {
        detail: [{ loc: ['body', 'parts', 1, 'prompt'], msg: 'part 2: the prompt is not allowed', input: 'two' }],
      },
    });
    expect(maker.parts).toEqual([1, 2, 4]);
  });

  test('goes with its parts when it is erased', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { id } = await jobs.requests.submit(filmOf('one', '+two'));
    await jobs.worker(new TestMaker(jobs));
    await jobs.completed(id);
    expect(await jobs.requests.erasePayloads(id)).toBe(true);
    const left = await jobs.database.kysely.selectFrom('files').select('id').where('state', '=', 'stored').execute();
    expect(left).toEqual([]);
  });

  test('of no server that makes none', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { id } = await jobs.requests.submit(filmOf('one'));
    await jobs.worker();
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 500 });
  });
});
