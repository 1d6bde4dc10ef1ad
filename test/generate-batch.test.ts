import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJobs } from '../src/cli/generate/batch-jobs.ts';
import { runBatch } from '../src/cli/generate/run-batch.ts';
import { LocalFirst } from '../src/local/local-first.ts';
import { openChecker } from '../src/local/make-clip.ts';
import { MediaService } from '../src/media/media-service.ts';
import { Engine } from '../src/pipeline/engine/engine.ts';
import { Lazy } from '../src/shared/lazy.ts';
import { writeToneWav } from './support/media/sound-files.ts';
import { copyCheckpoint } from './support/parity-checkpoint.ts';
import { type CommandResult, finished, soundstage, startSoundstage } from './support/programs/command.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-batch-'));
  await writeToneWav(at('sound.wav'), 0.5);
  await copyCheckpoint(at('weights'));
});
afterAll(() => rm(folder, { recursive: true }));

const flags = (): readonly string[] => [
  ...['--model', at('weights'), '--device', 'cpu', '--audio', at('sound.wav'), '--video-size', '64x64'],
  ...['--num-frames', '9', '--no-enable-prompt-expansion', '--output', at('clips')],
];

function batch(...more: readonly string[]): Promise<CommandResult> {
  return soundstage('generate', '--batch', at('jobs.jsonl'), ...flags(), ...more);
}

function write(...lines: readonly unknown[]): Promise<void> {
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  return writeFile(at('jobs.jsonl'), `${texts.join('\n')}\n`);
}

// biome-ignore lint/suspicious/noExplicitAny: results of every shape are looked into
function results({ stdout }: CommandResult): any[] {
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line)).sort((one, other) => one.line - other.line);
}

test('a clip of every line, errors too in their place; what is done is not made again', async () => {
  await write(
    { prompt: 'A dog barks', seed: 1 },
    '',
    { prompt: 'A cat sings', seed: 2, num_frames: 5 },
    'no JSON',
    { prompt: 'A cat sings', video_output_type: 'GIF (.gif)', fps: 20 },
    { prompt: 'A dog barks', audio_url: 'nowhere.wav' },
  );
  const first = await batch();
  expect(first.code).toBe(2);
  expect(results(first)).toEqual([
    expect.objectContaining({ line: 1, seed: 1, prompt: 'A dog barks', timings: expect.any(Object) }),
    { line: 3, error: { kind: 'input', field: 'num_frames', message: expect.stringMatching(/^num_frames must be/) } },
    { line: 4, error: { kind: 'input', message: expect.stringMatching(/^line 4 is no JSON: /) } },
    expect.objectContaining({ line: 5, video: expect.objectContaining({ content_type: 'image/gif', num_frames: 9 }) }),
    {
      line: 6,
      error: { kind: 'input', field: 'audio_url', message: expect.stringMatching(/nowhere\.wav does not exist/) },
    },
  ]);
  expect(first.stderr).toMatch(/^5\/5, line 6: /m);
  const [dog, , , cat] = results(first);
  const made = (await stat(dog.video.url)).mtimeMs;

  // The mistakes are mended, a line is put before the others, and a clip is lost.
  await write(
    { prompt: 'A bird', seed: 4 },
    { prompt: 'A dog barks', seed: 1 },
    { prompt: 'A cat sings', seed: 2 },
    { prompt: 'A cat sings', video_output_type: 'GIF (.gif)', fps: 20 },
  );
  await rm(cat.video.url);
  const second = await batch('--quiet');
  expect(second).toMatchObject({ code: 0, stderr: '' });
  expect(results(second).map(({ line, resumed }) => [line, resumed])).toEqual([
    [1, undefined],
    [2, true],
    [3, undefined],
    [4, undefined],
  ]);
  expect((await stat(dog.video.url)).mtimeMs).toBe(made);
  for (const { video } of results(second)) expect((await readFile(video.url)).length).toBe(video.file_size);
  expect((await batch('--quiet', '--seed', '9', '--fps', '30')).code).toBe(0);
  expect(await readdir(at('clips'))).toHaveLength(8);
});

test('a batch that is stopped goes on with what is left', async () => {
  const jobs = Array.from({ length: 6 }, (_, seed) => ({ prompt: 'A ball', seed: seed + 10 }));
  await write(...jobs);
  const child = startSoundstage('generate', '--batch', at('jobs.jsonl'), ...flags());
  const ended = finished(child);
  await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
  child.kill('SIGINT');
  const stopped = await ended;
  expect([stopped.code, stopped.stderr]).toEqual([130, expect.stringMatching(/cancelled\n$/)]);
  const before = results(stopped).length;
  expect(before).toBeLessThan(jobs.length);
  const rest = results(await batch('--quiet'));
  expect(rest.filter(({ resumed }) => resumed)).toHaveLength(before);
  expect(rest.map(({ seed }) => seed)).toEqual(jobs.map(({ seed }) => seed));
});

test('several engines make clips at the same time', async () => {
  await write(...[1, 2, 3, 4].map((seed) => ({ prompt: 'A star', seed })));
  await using own = new AsyncDisposableStack();
  const media = own.use(new MediaService());
  const used: number[] = [];
  const studios = [0, 1].map((index) => ({
    model: at('weights'),
    device: new Lazy(async () => {
      used.push(index);
      return { device: 'cpu' as const, memory: undefined, notes: [] };
    }),
    services: { media, engine: own.use(new Engine()) },
    checker: own.use(openChecker()),
    names: own.use(new LocalFirst()),
  }));
  let stdout = '';
  const code = await runBatch({
    jobs: await readJobs(at('jobs.jsonl'), 'two engines'),
    file: at('jobs.jsonl'),
    folder: at('parallel'),
    defaults: {
      ...{ audio_url: at('sound.wav'), loras: [], video_size: { width: 64, height: 64 }, match_audio_length: false },
      ...{ num_frames: 9, enable_prompt_expansion: false },
    },
    studios,
    signal: new AbortController().signal,
    stdout: { write: (text) => (stdout += text) },
    onNote: () => {},
  });
  expect([code, used.toSorted()]).toEqual([0, [0, 1]]);
  expect(results({ code, stdout, stderr: '' }).map(({ line }) => line)).toEqual([1, 2, 3, 4]);
  expect(await readdir(at('parallel'))).toHaveLength(4);
});

test('a file that is not there, and what a batch cannot do, are one sentence', async () => {
  const missing = await soundstage('generate', '--batch', at('nothing.jsonl'), ...flags());
  expect(missing).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^--batch .*nothing\.jsonl does not exist\n$/),
  });
  await write({ prompt: 'A dog', sync_mode: true });
  const [{ error }] = results(await batch('--quiet'));
  expect(error).toMatchObject({ field: 'sync_mode' });
});
