import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { psnr } from '../../eval/measures/picture-difference.ts';
import { writeToneWav } from '../../test/support/media/sound-files.ts';
import { parseFilm } from '../contract/film/read-film.ts';
import { MediaService } from '../media/media-service.ts';
import { decodeVideoFrames, type VideoFrame } from '../media/native/decode/video-frames.ts';
import { resolveWeights } from '../models/resolve-weights.ts';
import { Engine } from '../pipeline/engine/engine.ts';
import { SoundstageError } from '../shared/errors.ts';
import { type Film, type FilmOptions, type FilmProgress, type FilmStudio, makeFilm } from './make-film.ts';
import { keptFilm } from './part-store.ts';

const media = new MediaService();
const engine = new Engine();
let folder: string;
let studio: FilmStudio;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-film-'));
  await writeToneWav(at('song.wav'), 2.04, 16_000);
  await writeToneWav(at('note.wav'), 0.68, 16_000);
  studio = {
    model: 'nano',
    weights: await resolveWeights('nano'),
    device: { device: 'cpu', memory: undefined, notes: [] },
    services: { media, engine },
    inspector: undefined,
    files: async () => ({ files: { audio: '', loras: [] }, [Symbol.asyncDispose]: async () => {} }),
  };
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Of 51 frames: three parts, the last of which begins a new scene. */
const fields = {
  prompt: '0:00 a girl with red hair talks, blue background; 0:01.36 a green sea, pink sky',
  cut: 'every',
  part_seconds: 0.68,
  video_size: { width: 120, height: 72 },
  seed: 3,
  video_write_mode: 'fast',
};

interface Making extends Partial<FilmOptions> {
  readonly name: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly anchor?: string;
  /** Default: the song. */
  readonly audio?: string;
}

async function make({ name, fields: changes, anchor, audio = at('song.wav'), ...options }: Making): Promise<Film> {
  const input = parseFilm({ ...fields, audio_url: audio, ...changes });
  const where = { output: at(`${name}.mp4`), folder: at(`${name}.parts`) };
  return await makeFilm(input, { audio, anchor }, studio, { ...where, ...options });
}

async function framesOf(path: string): Promise<readonly VideoFrame[]> {
  return await Array.fromAsync(decodeVideoFrames(path));
}

/** PSNR of the frames on both sides of a cut. */
async function seam({ file }: Film, frame: number): Promise<number> {
  const [before, after] = (await framesOf(file.path)).slice(frame - 1, frame + 1);
  if (before === undefined || after === undefined) throw new Error('there is no such frame');
  return psnr(before, after);
}

const bytesOf = (name: string): Promise<Buffer> => readFile(at(name));

test('a film is as long as its recording, parts go on from each other, and scenes begin anew', async () => {
  const progress: FilmProgress[] = [];
  let estimate: unknown;
  const film = await make({
    name: 'whole',
    onProgress: (step) => progress.push(step),
    onScore: (_, taking) => (estimate = taking),
  });
  expect(film.file).toMatchObject({ width: 120, height: 72, frames: 51, duration: 2.04 });
  expect(estimate).toEqual({ frames: 51, parts: 3, price: 0.003, maxBytes: 128 * 128 * 3 * 51, seconds: undefined });
  expect(film.score.parts.map(({ start, continues }) => [start, continues])).toEqual([
    [0, false],
    [17, true],
    [34, false],
  ]);
  const fractions = progress.map(({ fraction }) => fraction);
  expect(fractions).toEqual(fractions.toSorted((one, other) => one - other));
  expect(progress.at(-1)).toMatchObject({ phase: 'join', fraction: 1 });
  const hard = await seam(film, 34);
  expect(await seam(film, 17)).toBeGreaterThan(hard + 8);
  // The sound is the recording, as it would be in a clip.
  const { duration } = await media.decodeAudio(film.file.path);
  expect(Math.abs(duration - 2.04)).toBeLessThan(0.04);
});

test('what was broken off goes on, and is the same to the byte; nothing is made twice', async () => {
  const controller = new AbortController();
  const broken = make({
    name: 'broken',
    signal: controller.signal,
    onProgress: ({ part, phase }) => part === 2 && phase === 'refine' && controller.abort(),
  });
  await expect(broken).rejects.toMatchObject({ kind: 'cancelled' });
  expect((await readdir(at('broken.parts'))).filter((name) => name.endsWith('.mkv'))).toEqual(['part-0001.mkv']);
  const soFar = await make({ name: 'broken', soFar: true });
  expect(soFar.file.frames).toBe(17);
  // As a process leaves it that is killed while it writes.
  await writeFile(at('broken.parts/part-0002.mkv.partial'), 'x');
  await writeFile(at('broken.parts/part-0003.mkv'), 'x');
  expect(await make({ name: 'broken' })).toMatchObject({ made: 2 });
  expect(await bytesOf('broken.mp4')).toEqual(await bytesOf('whole.mp4'));
  expect(await make({ name: 'broken' })).toMatchObject({ made: 0 });
  expect(await keptFilm(at('broken.parts'))).toMatchObject({ input: { seed: 3, part_seconds: 0.68 }, model: 'nano' });
});

test('a part made again leads to the part after it, which stays', async () => {
  const before = await framesOf(at('whole.mp4'));
  const part = await bytesOf('whole.parts/part-0002.mkv');
  const redone = await make({ name: 'whole', redo: { part: 1, seed: 99 } });
  expect(redone).toMatchObject({ made: 1, score: { parts: [{ seed: 99, meets_next: true }, {}, {}] } });
  expect(await bytesOf('whole.parts/part-0002.mkv')).toEqual(part);
  const after = await framesOf(at('whole.mp4'));
  expect(psnr(after[5] as VideoFrame, before[5] as VideoFrame)).toBeLessThan(35);
  expect(await seam(redone, 17)).toBeGreaterThan((await seam(redone, 34)) + 5);
  // It stays so.
  expect(await make({ name: 'whole' })).toMatchObject({ made: 0, score: { parts: [{ seed: 99 }, {}, {}] } });
});

test('an edited score makes anew what it changes and what goes on from that', async () => {
  const { score } = await make({ name: 'broken' });
  const parts = score.parts.map((part, index) => (index === 0 ? { ...part, prompt: 'a yellow sea' } : part));
  const edited = { parts, prompt: undefined, part_seconds: undefined };
  expect(await make({ name: 'broken', fields: edited })).toMatchObject({ made: 2 });
  const shorter = { ...edited, video_output_type: 'VP9 (.webm)' };
  expect(await make({ name: 'broken', fields: shorter, output: at('edited.webm') })).toMatchObject({ made: 0 });
});

test('a part that is refused is named, and the others are kept', async () => {
  const refusing = {
    checkPrompt: async (prompt: string) => {
      if (prompt.includes('girl')) throw new SoundstageError('input', 'the prompt is not allowed', { field: 'prompt' });
    },
    checkPicture: async () => {},
    watchFrames: () => ({ add: async () => {}, finish: async () => {} }),
  };
  const own = { ...studio, inspector: refusing };
  const input = parseFilm({ ...fields, audio_url: at('song.wav') });
  const where = { output: at('refused.mp4'), folder: at('refused.parts') };
  const refused = makeFilm(input, { audio: at('song.wav'), anchor: undefined }, own, where);
  await expect(refused).rejects.toMatchObject({
    kind: 'input',
    field: 'parts.0.prompt',
    message: 'part 1: the prompt is not allowed',
  });
  expect((await readdir(where.folder)).filter((name) => name.endsWith('.mkv'))).toEqual(['part-0003.mkv']);
});

test('an anchor is in every part, and another anchor makes all of them anew', async () => {
  const [face] = (await framesOf(at('broken.parts/part-0003.mkv'))) as [VideoFrame];
  const { width, height, rgb } = face;
  await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(at('anchor.png'));
  const likeness = async (name: string): Promise<number> => {
    const frames = await framesOf(at(`${name}.parts/part-0001.mkv`));
    return psnr(frames[8] as VideoFrame, face);
  };
  const sea = { name: 'free', audio: at('note.wav'), fields: { prompt: 'a green sea, pink sky', seed: 20 } };
  await make(sea);
  const film = await make({ ...sea, anchor: at('anchor.png'), output: at('anchored.mp4') });
  expect(film.made).toBe(film.parts.length);
  const anchored = await likeness('free');
  await make(sea);
  expect(anchored).toBeGreaterThan((await likeness('free')) + 1);
});

test('a film that another process makes is left alone', async () => {
  const short = { name: 'busy', audio: at('note.wav'), fields: { prompt: 'a green sea' } };
  const first = make(short);
  await expect(make(short)).rejects.toMatchObject({
    kind: 'device',
    message: expect.stringMatching(/^another process is making this film/),
  });
  await first;
});
