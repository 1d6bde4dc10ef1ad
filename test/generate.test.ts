import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, assert, beforeAll, expect, test, vi } from 'vitest';
import { generateCommand } from '../src/cli/generate/generate-command.ts';
import { serveHttp } from '../src/fetching/http/file-server.test-support.ts';
import { MediaService } from '../src/media/media-service.ts';
import { Engine } from '../src/pipeline/engine/engine.ts';
import { writeToneWav } from './support/media/sound-files.ts';
import { copyCheckpoint, loraPath } from './support/parity-checkpoint.ts';
import { finished, soundstage, startSoundstage } from './support/programs/command.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const media = new MediaService();
const engine = new Engine();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-generate-'));
  await writeToneWav(at('sound.wav'), 0.5, 22_050);
  await copyCheckpoint(at('weights'));
  await cp(loraPath('a'), at('weights/camera-control-dolly-in.safetensors'));
  const picture = sharp({ create: { width: 150, height: 90, channels: 3, background: '#c04020' } });
  await picture.png().toFile(at('picture.png'));
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const small = ['--video-size', '128x64', '--num-frames', '9', '--quiet', '--seed', '7'];

/** What all requests say. The smallest weights there are, since these tests are not about the pictures. */
const common = (): readonly string[] => ['--audio', at('sound.wav'), '--model', at('weights'), '--device', 'cpu'];

async function generate(output: string, ...flags: readonly string[]): Promise<Buffer> {
  const { code, stderr } = await soundstage('generate', ...request(output), ...flags);
  expect(stderr.replace(/^note: .*\n/gm, '')).toBe('');
  expect(code).toBe(0);
  return readFile(at(output));
}

/** The same within this process and with the engine of the clip before; no checker, which does not change a clip. */
async function generateHere(output: string, ...flags: readonly string[]): Promise<Buffer> {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const parameters = [...request(output), '--no-enable-safety-checker', ...flags];
    await generateCommand({ engine, media }).parseAsync(parameters, { from: 'user' });
    const written = stderr.mock.calls.map(([text]) => String(text)).filter((text) => !text.startsWith('note: '));
    expect(written).toEqual([]);
  } finally {
    stderr.mockRestore();
    stdout.mockRestore();
  }
  return readFile(at(output));
}

function request(output: string): readonly string[] {
  return [...common(), '--prompt', 'A dog barks', ...small, '--output', at(output)];
}

test.for([
  ['mp4', 'h264', 'aac'],
  ['webm', 'vp9', 'opus'],
  ['mov', 'prores', 'pcm_s16le'],
  ['gif', 'gif', undefined],
])('%s: size, exact fps, frames, duration and streams are as asked', async ([extension, video, audio]) => {
  const fps = extension === 'gif' ? '20' : '23.976';
  await generateHere(`clip.${extension}`, '--fps', fps, '--num-frames', '12');
  const info = await media.probe(at(`clip.${extension}`));
  const rate = extension === 'gif' ? { num: 20, den: 1 } : { num: 24_000, den: 1001 };
  expect(info.video).toMatchObject({ codec: video, width: 128, height: 64, frames: 12, fps: rate });
  expect(info.video?.duration).toBeCloseTo((12 * rate.den) / rate.num, 2);
  expect(info.audio?.codec).toBe(audio);
});

test('the same request with one seed gives identical files, another seed another file', async () => {
  const first = await generate('a.mp4');
  expect((await generate('b.mp4')).equals(first)).toBe(true);
  expect((await generate('c.mp4', '--seed', '8')).equals(first)).toBe(false);
});

test.for([
  ['no other field', () => []],
  ['--image', () => ['--image', at('picture.png')]],
  ['--end-image', () => ['--end-image', at('picture.png')]],
  ['--image-strength', () => ['--image', at('picture.png'), '--image-strength', '0.5']],
  ['--end-image-strength', () => ['--end-image', at('picture.png'), '--end-image-strength', '0.5']],
  ['--lora', () => ['--lora', `${loraPath('a')}=2`]],
  ['--lora scale', () => ['--lora', `${loraPath('a')}=1`]],
  ['two LoRAs', () => ['--lora', `${loraPath('a')}=2`, '--lora', loraPath('kohya')]],
  ['--negative-prompt', () => ['--negative-prompt', 'cats']],
  ['--no-use-multiscale', () => ['--no-use-multiscale']],
  ['--audio-strength', () => ['--audio-strength', '0.5']],
  ['--no-preprocess-audio', () => ['--no-preprocess-audio']],
  ['--acceleration regular', () => ['--acceleration', 'regular']],
  ['--acceleration high', () => ['--acceleration', 'high']],
  ['--acceleration full', () => ['--acceleration', 'full']],
  ['--fps', () => ['--fps', '30']],
  ['--prompt', () => ['--prompt', 'A cat sings']],
  ['--video-quality', () => ['--video-quality', 'maximum']],
  ['--video-write-mode', () => ['--video-write-mode', 'small']],
] as const)('%s changes the clip', async ([name, flags]) => {
  const file = await generateHere(`${name.replace(/\W/g, '')}.mp4`, ...flags());
  for (const other of seen.keys()) expect(file.equals(seen.get(other) as Buffer), `same as ${other}`).toBe(false);
  seen.set(name, file);
});

/** Clips so far, the plain one first: every field must have an effect, and no two the same. */
const seen = new Map<string, Buffer>();

test('a camera LoRA is found in the weights folder and applied at its scale', async () => {
  const camera = ['--camera-lora', 'dolly_in'];
  const plain = await generateHere('camera-none.mp4');
  const full = await generateHere('camera-full.mp4', ...camera);
  expect(full.equals(plain)).toBe(false);
  expect(full.equals(await generateHere('camera-lora.mp4', '--lora', loraPath('a')))).toBe(true);
  expect(full.equals(await generateHere('camera-half.mp4', ...camera, '--camera-lora-scale', '0.5'))).toBe(false);
});

test('frames follow the recording by default, and the result is reported as JSON', async () => {
  const request = [...common(), '--prompt', 'A dog', '--video-size', '64x64'];
  const { stdout } = await soundstage('generate', ...request, '--json', '--quiet', '-o', at('matched.mp4'));
  const { video, seed, prompt } = JSON.parse(stdout);
  expect(video).toMatchObject({ content_type: 'video/mp4', width: 64, height: 64, fps: 25, num_frames: 13 });
  expect(video.file_size).toBe((await readFile(at('matched.mp4'))).length);
  expect(seed).toBeGreaterThanOrEqual(0);
  expect(prompt).toBe('A dog');
});

test('files may be named as for the endpoint: by URL, as a data URI, by the name of a LoRA that comes with the weights', async () => {
  const files = { '/sound.wav': at('sound.wav'), '/style.safetensors': loraPath('a') };
  await using server = await serveHttp(async ({ url }, response) => {
    response.end(await readFile(Object.entries(files).find(([path]) => path === url)?.[1] ?? ''));
  });
  vi.stubEnv('SOUNDSTAGE_ALLOW_PRIVATE_HOSTS', '127.0.0.1');
  vi.stubEnv('SOUNDSTAGE_DATA', at('data'));
  await mkdir(at('weights/loras'), { recursive: true });
  await cp(loraPath('a'), at('weights/loras/mine.safetensors'));
  const picture = `data:image/png;base64,${(await readFile(at('picture.png'))).toString('base64')}`;
  const local = ['--image', at('picture.png'), '--lora', `${loraPath('a')}=0.5`];
  const named = ['--audio', `${server.url}/sound.wav`, '--image', picture];
  try {
    const expected = await generateHere('local.mp4', ...local);
    for (const lora of [`${server.url}/style.safetensors=0.5`, 'mine.safetensors=0.5']) {
      expect((await generateHere('named.mp4', ...named, '--lora', lora)).equals(expected)).toBe(true);
    }
  } finally {
    vi.unstubAllEnvs();
  }
});

test('progress that is piped ends at 100 %, timings add up, and a size that the codec rounds is said', async () => {
  const odd = ['--video-size', '127x65', '--num-frames', '9', '--no-enable-prompt-expansion'];
  const output = ['--json', '-o', at('odd.mp4')];
  const { stdout, stderr } = await soundstage('generate', ...common(), '--prompt', 'A dog', ...odd, ...output);
  expect(stderr).toMatch(/^note: the clip is 128×66 instead of 127×65: the sides of X264 \(\.mp4\) have to be even$/m);
  expect(stderr).toMatch(/^100 % done\n$/m);
  expect(stderr.trim().split('\n').at(-1)).toBe('100 % done');
  const { video, timings } = JSON.parse(stdout);
  expect(video).toMatchObject({ width: 128, height: 66 });
  const { total, runtime, ...phases } = timings;
  expect(Object.values<number>(phases).reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(total, 5);
  expect(runtime).toBeLessThanOrEqual(total);
});

test('sync mode prints the clip as a data URI and leaves no file', async () => {
  const request = [...common(), '--prompt', 'A dog', ...small, '--sync-mode'];
  const { code, stdout } = await soundstage('generate', ...request, '--video-output-type', 'VP9 (.webm)');
  expect(code).toBe(0);
  const { video } = JSON.parse(stdout);
  const [, base64 = ''] = /^data:video\/webm;base64,(.+)$/.exec(video.url) ?? [];
  expect(Buffer.from(base64, 'base64')).toHaveLength(video.file_size);
});

test.for([
  ['the command', 1],
  // A negative process id is a process group.
  ['every process, as Ctrl-C does,', -1],
] as const)('interrupting %s mid-run leaves no file and returns within three seconds', async ([, sign]) => {
  const output = join(await mkdtemp(at('cancelled-')), 'clip.mp4');
  const request = [...common(), '--prompt', 'A dog', '--num-frames', '121', '--video-size', '512x512'];
  const child = startSoundstage('generate', ...request, '--output', output);
  const result = finished(child);
  await new Promise<void>((resolve) => {
    child.stderr?.on('data', (text: Buffer) => text.includes('denoise') && resolve());
  });
  const cancelledAt = performance.now();
  assert(child.pid !== undefined);
  process.kill(sign * child.pid, 'SIGINT');
  const { code, stderr } = await result;
  expect(performance.now() - cancelledAt).toBeLessThan(3000);
  expect(code).toBe(130);
  expect(stderr).toMatch(/cancelled\n$/);
  expect(await readdir(dirname(output))).toEqual([]);
});
