import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clipInputText } from '../scripts/clip-input.ts';
import {
  type ClipInput,
  type ClipProgress,
  openSoundstage,
  type Soundstage,
  SoundstageError,
} from '../src/library/soundstage.ts';
import { writeToneWav } from './support/media/sound-files.ts';
import { copyCheckpoint, loraPath } from './support/parity-checkpoint.ts';

let folder: string;
let soundstage: Soundstage;
let input: ClipInput;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-library-'));
  await writeToneWav(at('sound.wav'), 0.5, 22_050);
  // The smallest weights there are, since these tests are not about the pictures.
  await copyCheckpoint(at('weights'));
  soundstage = await openSoundstage({ model: at('weights'), device: 'cpu' });
  input = {
    prompt: 'A dog barks',
    audio_url: at('sound.wav'),
    video_size: { width: 128, height: 64 },
    match_audio_length: false,
    num_frames: 9,
    seed: 7,
  };
});
afterAll(async () => {
  await soundstage[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function failureOf(work: Promise<unknown>): Promise<SoundstageError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof SoundstageError) return error;
  throw new Error('it did not fail as it should', { cause: error });
}

test('a clip comes with its file, seed and timings; progress and previews are told on the way', async () => {
  const progress: ClipProgress[] = [];
  const previews: number[] = [];
  const clip = await soundstage.generate(input, {
    output: at('clip.mp4'),
    onProgress: (step) => progress.push(step),
    onPreview: ({ frames, width, height, rgb }) => {
      expect(rgb).toHaveLength(frames * width * height * 3);
      previews.push(frames);
    },
  });
  expect(soundstage.device).toBe('cpu');
  expect(clip).toMatchObject({
    file: {
      path: at('clip.mp4'),
      contentType: 'video/mp4',
      width: 128,
      height: 64,
      fps: 25,
      frames: 9,
      duration: 0.36,
    },
    seed: 7,
    prompt: 'A dog barks',
  });
  expect(clip.file.fileSize).toBe((await readFile(at('clip.mp4'))).length);
  expect(clip.timings.total).toBeGreaterThan(clip.timings.runtime);
  expect(Object.keys(clip.timings.phases)).toEqual(expect.arrayContaining(['denoise', 'decode']));
  expect(progress[0]).not.toHaveProperty('type');
  expect(progress.at(-1)).toMatchObject({ phase: 'decode', fraction: 1 });
  expect(previews.length).toBeGreaterThan(3);
});

test('clips asked for at once are made one after another, and those of one seed are equal', async () => {
  const names = ['first.mp4', 'second.mp4', 'third.mp4'];
  const clips = names.map((name, index) =>
    soundstage.generate({ ...input, seed: index < 2 ? 7 : 8 }, { output: at(name) }),
  );
  await Promise.all(clips);
  const [first, second, third] = await Promise.all(names.map((name) => readFile(at(name))));
  expect(first).toEqual(second);
  expect(first).not.toEqual(third);
});

test('the extension of the output decides the type; a LoRA changes the clip', async () => {
  const plain = await soundstage.generate(input, { output: at('plain.gif') });
  const loras = [{ path: loraPath('a'), scale: 2 }];
  const changed = await soundstage.generate({ ...input, loras }, { output: at('changed.gif') });
  expect(plain.file.contentType).toBe('image/gif');
  expect(await readFile(at('plain.gif'))).not.toEqual(await readFile(changed.file.path));
});

test('files may be named as for the endpoint, too', async () => {
  const sound = (await readFile(at('sound.wav'))).toString('base64');
  const named = { ...input, audio_url: `data:audio/wav;base64,${sound}` };
  await soundstage.generate(input, { output: at('by-path.mp4') });
  await soundstage.generate(named, { output: at('by-data.mp4') });
  expect(await readFile(at('by-data.mp4'))).toEqual(await readFile(at('by-path.mp4')));
});

test.for<[string, Record<string, unknown>, string | undefined, string, string]>([
  ['a value out of range', { num_frames: 3 }, undefined, 'num_frames', 'a whole number from 9 to 481, not 3'],
  ['a missing value', { prompt: undefined }, undefined, 'prompt', 'prompt is missing'],
  ['a misspelt field', { videoSize: 'square' }, undefined, 'videoSize', 'no field videoSize'],
  ['what is for HTTP', { sync_mode: true }, undefined, 'sync_mode', 'leave it out'],
  ['a URL of this machine', { image_url: 'http://127.0.0.1:9/a.png' }, undefined, 'image_url', '127.0.0.1'],
  ['a recording that is not there', { audio_url: '/nowhere.wav' }, undefined, 'audio_url', 'does not exist'],
  ['a LoRA that is not there', { loras: [{ path: '/no.safetensors' }] }, undefined, 'loras.0.path', '/no.safetensors'],
  ['a type that no extension says', {}, 'refused.avi', 'output', 'must end in .mp4'],
  ['two types', { video_output_type: 'GIF (.gif)' }, 'refused.mp4', 'output', 'but video_output_type is GIF (.gif)'],
])('%s is an error that names the field', async ([, change, output, field, message]) => {
  const error = await failureOf(soundstage.generate({ ...input, ...change }, { output: at(output ?? 'refused.mp4') }));
  expect(error).toMatchObject({ kind: 'input', field });
  expect(error.message).toContain(message);
  await expect(access(at(output ?? 'refused.mp4'))).rejects.toThrow();
});

test('a clip that is cancelled leaves nothing, and the next one is made', async () => {
  const controller = new AbortController();
  const cancelled = soundstage.generate(input, {
    output: at('cancelled.mp4'),
    signal: controller.signal,
    onProgress: ({ phase }) => phase === 'denoise' && controller.abort(),
  });
  const waiting = soundstage.generate(input, { output: at('cancelled.mp4'), signal: controller.signal });
  expect((await failureOf(cancelled)).kind).toBe('cancelled');
  expect((await failureOf(waiting)).kind).toBe('cancelled');
  await expect(access(at('cancelled.mp4'))).rejects.toThrow();
  await soundstage.generate(input, { output: at('after.mp4') });
});

test('a model of which nothing is known is refused at once, and one that is disposed of makes no clips', async () => {
  expect(await failureOf(openSoundstage({ model: 'ltx-9' }))).toMatchObject({ kind: 'input', field: 'model' });
  expect(await failureOf(openSoundstage({ model: '/nowhere' }))).toMatchObject({ kind: 'weights' });
  const short = await openSoundstage({ model: at('weights'), device: 'cpu' });
  await short[Symbol.asyncDispose]();
  await expect(short.generate(input, { output: at('late.mp4') })).rejects.toThrow('open another one');
});

test('the input has the fields of the endpoint', async () => {
  // Where this fails: node scripts/write-clip-input.ts
  const words = (text: string): readonly string[] => text.match(/[\w.'-]+/g) ?? [];
  const text = await readFile(join(import.meta.dirname, '../src/library/clip-input.ts'), 'utf8');
  // Line ends are the formatter's.
  expect(words(text)).toEqual(words(clipInputText()));
});
