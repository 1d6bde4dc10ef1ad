import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MediaService } from '../src/media/media-service.ts';
import { writeBlackPng, writeLyingSafetensors, writePickle } from './support/media/hostile-files.ts';
import { writeToneWav } from './support/media/sound-files.ts';
import { copyCheckpoint, loraPath } from './support/parity-checkpoint.ts';
import { soundstage } from './support/programs/command.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-bad-input-'));
  await writeToneWav(at('good.wav'), 1);
  await writeFile(at('text.wav'), 'This is not a sound at all.\n'.repeat(100));
  const wav = await readFile(join(import.meta.dirname, 'fixtures/media/click-float.wav'));
  await writeFile(at('nan.wav'), wav.fill(0xff, 80));
  await writeFile(at('empty.png'), '');
  await writeBlackPng(at('huge.png'), 20_000, 20_000);
  await writePickle(at('pickle.safetensors'));
  await writeLyingSafetensors(at('lying.safetensors'));
  const mp3 = await readFile(join(import.meta.dirname, 'fixtures/media/click.mp3'));
  await writeFile(at('truncated.mp3'), mp3.subarray(0, mp3.length * 0.6));
  for (const name of ['incomplete', 'cut-off']) await copyCheckpoint(at(name));
  await rm(at('incomplete/gemma/model.safetensors'));
  await truncate(at('cut-off/ltx-2-tiny.safetensors'), 1_000_000);
  await using media = new MediaService();
  await using encoder = await media.openEncoder({
    path: at('silent.mp4'),
    type: 'X264 (.mp4)',
    quality: 'low',
    writeMode: 'fast',
    width: 64,
    height: 64,
    fps: 25,
  });
  await encoder.write(new Uint8Array(64 * 64 * 3 * 10));
  await encoder.finish();
});
afterAll(() => rm(folder, { recursive: true }));

type Case = [name: string, flags: (path: typeof at) => readonly string[], sentence: RegExp, code?: number];

const cases: readonly Case[] = [
  ['a truncated mp3', (path) => ['--audio', path('truncated.mp3')], /audio file .*(ends|cut|truncated|incomplete)/i],
  ['a text file called .wav', (path) => ['--audio', path('text.wav')], /audio file/i],
  ['a wav of NaN', (path) => ['--audio', path('nan.wav')], /^The audio track holds hardly any sound: .* not a number/],
  ['a missing audio file', (path) => ['--audio', path('nowhere.wav')], /^--audio .*nowhere\.wav does not exist/],
  ['a video without audio', (path) => ['--audio', path('silent.mp4')], /audio file .*no (audio|sound)/i],
  ['an image of 0 bytes', (path) => ['--image', path('empty.png')], /image file .*empty/i],
  ['a png of 20000×20000', (path) => ['--image', path('huge.png')], /image is 20000×20000: .* scale it down/],
  [
    'a LoRA with foreign keys',
    () => ['--lora', loraPath('bad')],
    /lora-bad\.safetensors cannot be used .*not_a_module/,
  ],
  ['a pickle as LoRA', (path) => ['--lora', path('pickle.safetensors')], /pickle/],
  ['a corrupt safetensors header', (path) => ['--lora', path('lying.safetensors')], /"w" holds 400 bytes/],
  ['a missing weight file', (path) => ['--model', path('incomplete')], /has no gemma.model\.safetensors/, 3],
  ['a bundle that is cut off', (path) => ['--model', path('cut-off')], /cut off/, 3],
  ['8 frames', () => ['--num-frames', '8'], /^--num-frames must be a whole number from 9 to 481, not 8$/],
  ['a strength of NaN', () => ['--image-strength', 'NaN'], /^--image-strength must be a number from 0 to 1, not NaN$/],
  [
    'a LoRA scale of NaN',
    () => ['--lora', `${loraPath('a')}=x`],
    /^the scale of LoRA 1 must be a number from 0 to 4, not NaN$/,
  ],
  ['an empty prompt', () => ['--prompt', '  '], /^--prompt must be a text of 1 to 5000 characters/],
  [
    'an unknown acceleration',
    () => ['--acceleration', 'warp'],
    /^--acceleration must be one of none, regular, high, full, not "warp"$/,
  ],
  [
    'a size beyond the limits',
    () => ['--video-size', '4096x64'],
    /^--video-size 4096x64: the width must be a whole number from 64 to 2048$/,
  ],
  [
    'a size that is none',
    () => ['--video-size', 'big'],
    /^--video-size must be WIDTHxHEIGHT, .* one of auto, .*, not "big"$/,
  ],
  [
    'a LoRA that is not there',
    () => ['--lora', 'nope.safetensors', '--model', 'nano'],
    /^LoRA nope\.safetensors does not exist; with these weights come nano-style-ink\.safetensors, /,
  ],
  ['a LoRA that is nothing at all', () => ['--lora', 'nope'], /^LoRA nope does not exist/],
  [
    'an address of something else',
    () => ['--audio', 'http://127.0.0.1:1/a.wav'],
    /^--audio cannot be downloaded: .* private network/,
  ],
  ['a device that is not there', () => ['--device', 'cuda'], /cuda cannot be used here/, 4],
  ['an unknown output type', (path) => ['--output', path('out/clip.avi')], /\.mp4, \.webm, \.mov, \.gif/],
  ['an output folder that does not exist', (path) => ['--output', path('missing/clip.mp4')], /does not exist/],
];

test.for(cases)('%s: one clear sentence, its exit code, nothing left behind', async ([, flags, sentence, code = 2]) => {
  const output = await mkdtemp(at('output-'));
  const defaults = ['--audio', at('good.wav'), '--prompt', 'A dog', '--video-size', '64x64', '--num-frames', '9'];
  const result = await soundstage(
    ...['generate', ...defaults, '--no-enable-prompt-expansion', '--quiet', '--device', 'cpu'],
    ...['--output', join(output, 'clip.mp4'), ...flags(at)],
  );
  expect(result.stderr.trim()).toMatch(sentence);
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(await readdir(output)).toEqual([]);
});

test.runIf(process.platform === 'linux')(
  'a full disk: one clear sentence, exit code 4, nothing left behind',
  async () => {
    const output = await mkdtemp(at('output-'));
    await symlink('/dev/full', join(output, 'clip.mp4.partial'));
    const request = ['--audio', at('good.wav'), '--prompt', 'A dog', '--video-size', '64x64', '--num-frames', '9'];
    const result = await soundstage('generate', ...request, '--quiet', '--output', join(output, 'clip.mp4'));
    expect(result.stderr).toMatch(/disk is full/);
    expect(result.code).toBe(4);
    expect(await readdir(output)).toEqual([]);
  },
);

test('a folder that is no parity folder', async () => {
  const result = await soundstage('parity', folder);
  expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(/^.* is not a parity folder.*\n$/) });
});

test('a flag that there is not is named even where another is missing, and so is what is missing', async () => {
  const unknown = await soundstage('generate', '--audio', at('good.wav'), '--nonsense', '1');
  expect(unknown).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/unknown option '--nonsense'/) });
  const missing = await soundstage('generate', '--audio', at('good.wav'));
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/^--prompt is missing; it must be a text/) });
});

test('errors for programs are JSON, those of the command line too', async () => {
  const refused = await soundstage('generate', '--audio', at('good.wav'), '--prompt', 'A dog', '--fps', '0', '--json');
  expect(JSON.parse(refused.stderr)).toEqual({
    error: { kind: 'input', field: 'fps', message: '--fps must be a number from 1 to 60, not 0' },
  });
  const unknown = await soundstage('generate', '--json', '--nonsense');
  expect(JSON.parse(unknown.stderr)).toEqual({ error: { kind: 'input', message: "unknown option '--nonsense'" } });
  expect([refused.code, unknown.code]).toEqual([2, 2]);
});
