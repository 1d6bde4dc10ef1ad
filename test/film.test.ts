import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeededRandom } from '../eval/seeded-random.ts';
import { openSoundstage } from '../src/library/soundstage.ts';
import { MediaService } from '../src/media/media-service.ts';
import { writeToneWav } from './support/media/sound-files.ts';
import { copyCheckpoint } from './support/parity-checkpoint.ts';
import { finished, soundstage, startSoundstage } from './support/programs/command.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-films-'));
  await writeToneWav(at('song.wav'), 1.6, 44_100);
  // The smallest weights there are, since these tests are not about the pictures.
  await copyCheckpoint(at('weights'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Of 40 frames, in four parts. */
const song = (output: string): readonly string[] => [
  ...['film', '--audio', at('song.wav'), '--prompt', '0:00 a dog; 0:00.8 + a cat', '--seed', '7', '-o', at(output)],
  ...['--video-size', '64x64', '--cut', 'every', '--part-seconds', '0.4', '--no-enable-safety-checker'],
  ...['--model', at('weights'), '--device', 'cpu', '--precision', 'int8'],
];

/** The model and its precision are those that the film was begun with. */
const redo = (output: string, ...flags: readonly string[]): readonly string[] => [
  ...['film', '-o', at(output), '--device', 'cpu', '--quiet', '--json'],
  ...flags,
];

async function made(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await soundstage(...args);
  expect(stderr.replace(/^note: .*\n/gm, '')).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

test('killed at random, again and again, a film is finished with the bytes that it would have had', async () => {
  const whole = await made(...song('whole.mov'), '--quiet', '--json');
  expect(whole).toMatchObject({ parts_made: 4, seed: 7, price: 0.004, video: { num_frames: 40, duration: 1.6 } });
  expect(whole.parts).toHaveLength(4);
  const random = new SeededRandom(Date.now() % 1000);
  for (let kill = 0; kill < 5; kill++) {
    const child = startSoundstage(...song('killed.mov'), '--quiet');
    const exit = finished(child);
    await sleep(700 + random.integer(1800));
    child.kill('SIGKILL');
    await exit;
  }
  await made(...song('killed.mov'), '--quiet', '--json');
  expect(await readFile(at('killed.mov'))).toEqual(await readFile(at('whole.mov')));
  const left = await readdir(folder);
  expect(left.filter((name) => name.startsWith('.soundstage-') || name.endsWith('.partial'))).toEqual([]);
});

test('the sound of a film is its recording to the bit, where the container takes it', async () => {
  await using media = new MediaService();
  const [film, recording] = [await media.decodeAudio(at('whole.mov')), await media.decodeAudio(at('song.wav'))];
  expect(film.sampleRate).toBe(recording.sampleRate);
  expect(Buffer.from(film.waveform.buffer).equals(Buffer.from(recording.waveform.buffer))).toBe(true);
});

test('one part is made again, with another seed, and joined anew without the rest', async () => {
  const before = await readFile(at('whole.mov.parts/part-0002.mkv'));
  expect(await made(...redo('whole.mov', '--redo', '3', '--seed', '9'))).toMatchObject({
    parts_made: 1,
    parts: [{}, {}, { seed: 9, meets_next: true }, {}],
  });
  expect(await readFile(at('whole.mov.parts/part-0002.mkv'))).toEqual(before);
  const { code, stderr } = await soundstage(...song('whole.mov'), '--redo', '3');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: '--redo takes the film as it was made: leave all flags but --output and --seed out\n',
  });
});

test('a score is printed, edited and given back', async () => {
  const { stdout } = await soundstage(...song('planned.mp4'), '--plan', '--quiet');
  const score = JSON.parse(stdout);
  expect(score.parts).toMatchObject([
    { start: 0, end: 10, prompt: 'a dog', continues: false },
    { start: 10, end: 20, continues: true },
    { start: 20, end: 30, prompt: 'a cat', continues: true },
    { start: 30, end: 40 },
  ]);
  const parts = [
    { ...score.parts[0], end: 25 },
    { ...score.parts[3], start: 25, continues: false },
  ];
  await writeFile(at('score.json'), JSON.stringify({ ...score, parts }));
  const common = ['--model', at('weights'), '--device', 'cpu', '--quiet', '--json'];
  const film = await made('film', '--score', at('score.json'), '-o', at('planned.gif'), '--no-keep-parts', ...common);
  expect(film).toMatchObject({ parts_made: 2, video: { content_type: 'image/gif' } });
  expect(await readdir(folder)).not.toContain('planned.gif.parts');
});

test.for<[string, readonly string[], string]>([
  ['no recording', ['--audio', 'nowhere.wav', '--prompt', 'a dog'], 'nowhere.wav'],
  ['no anchor', ['--audio', 'song.wav', '--prompt', 'a dog', '--anchor', 'no.png'], 'does not exist, or is no file\n'],
  ['no film to go on with', [], 'refused.mp4.parts: give a recording and a prompt\n'],
  [
    'no prompt',
    ['--audio', 'song.wav'],
    '--prompt is missing: say what the film shows, or give the parts of a score\n',
  ],
  ['an empty recording', ['--audio', 'empty.wav', '--prompt', 'a dog'], 'is empty (0 bytes): upload it again.\n'],
  ['no score', ['--score', 'no.json'], 'does not exist: give a file that --plan has printed\n'],
])('%s is said in one sentence', async ([, args, sentence]) => {
  await writeFile(at('empty.wav'), '');
  const named = args.map((arg) => (/\.(?:wav|png|json)$/.test(arg) ? at(arg) : arg));
  const { code, stderr } = await soundstage('film', ...named, '-o', at('refused.mp4'), '--device', 'cpu', '--quiet');
  expect(code).toBe(2);
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('the library makes films, and says before what they take', async () => {
  await using stage = await openSoundstage({ model: at('weights'), device: 'cpu' });
  const input = {
    audio_url: at('song.wav'),
    prompt: 'a dog',
    cut: 'every',
    part_seconds: 0.8,
    video_size: { width: 64, height: 64 },
    enable_safety_checker: false,
    seed: 7,
  } as const;
  const output = at('library.mp4');
  const plan = await stage.planFilm(input, { output });
  expect(plan).toMatchObject({ frames: 40, price: 0.002, maxBytes: 64 * 64 * 3 * 40, seconds: undefined });
  expect(plan.score.parts).toMatchObject([{ end: 20 }, { start: 20, end: 40 }]);
  const phases = new Set<string>();
  const film = await stage.film(plan.score, { output, onProgress: ({ phase }) => phases.add(phase) });
  expect(film).toMatchObject({
    made: 2,
    file: { path: output, frames: 40, fps: 25 },
    parts: [{ prompt: 'a dog' }, {}],
  });
  expect([...phases].slice(-2)).toEqual(['decode', 'join']);
  expect(await stage.film(plan.score, { output, redo: { part: 1, seed: 3 } })).toMatchObject({
    made: 1,
    score: { parts: [{ seed: 3, meets_next: true }, {}] },
  });
  await expect(stage.film({ ...input, anchor_url: at('no.png') }, { output })).rejects.toMatchObject({
    kind: 'input',
    field: 'anchor_url',
  });
});
