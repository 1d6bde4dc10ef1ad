import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, assert, beforeEach, describe, expect, it } from 'vitest';
import { elementAt } from '../shared/element-at.ts';
import { fpsRational } from './fps-rational.ts';
import { type DecodedAudio, MediaService } from './media-service.ts';
import { MediaInput } from './native/decode/media-input.ts';
import { decodeVideoFrames } from './native/decode/video-frames.ts';
import { writeSoundFile } from './raw/sound-file.ts';
import type { VideoFile } from './video-encoder.ts';
import { type VideoEncoderSettings, type VideoOutputType, videoFormat, videoOutputTypes } from './video-settings.ts';

const fixtures = new URL('../../test/fixtures/media/', import.meta.url).pathname;
/** Reads what the tests' own encoders wrote; one process for all of them. */
const reader = new MediaService();
let media: MediaService;
let folder: string;

beforeEach(async () => {
  media = new MediaService();
  folder = await mkdtemp(join(tmpdir(), 'soundstage-video-'));
});
afterEach(async () => {
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

afterAll(() => reader[Symbol.asyncDispose]());

type Settings = Partial<Omit<VideoEncoderSettings, 'path'>> & { readonly name?: string };

function settings({ name = 'clip', ...changes }: Settings): VideoEncoderSettings {
  return {
    path: join(folder, name),
    type: 'X264 (.mp4)',
    quality: 'high',
    writeMode: 'fast',
    width: 64,
    height: 48,
    fps: 24,
    ...changes,
  };
}

/** Smooth frames, each a little brighter than the one before. */
function gradient(frames: number, width = 64, height = 48): Uint8Array {
  const pixels = Array.from({ length: frames * width * height }, (_, index) => {
    const [frame, x, y] = [Math.floor(index / (width * height)), index % width, Math.floor(index / width) % height];
    return [60 + 2 * x + frame, 200 - 2 * y, 90 + frame];
  });
  return Uint8Array.from(pixels.flat());
}

async function encode(changes: Settings, frames: Uint8Array): Promise<VideoFile> {
  await using encoder = await media.openEncoder(settings(changes));
  await encoder.write(frames);
  // Awaited here: leaving the function ends the encoder.
  return await encoder.finish();
}

function psnr(a: Uint8Array, b: Uint8Array): number {
  const squares = a.reduce((sum, value, index) => sum + (value - elementAt(b, index)) ** 2, 0);
  return 10 * Math.log10((255 ** 2 * a.length) / squares);
}

describe.each(videoOutputTypes)('%s', (type) => {
  it('delivers every frame, in time and in color, and says what it measured', async () => {
    const frames = gradient(30);
    const file = await encode({ type, quality: 'maximum', fps: 23.976 }, frames);
    const isGif = type === 'GIF (.gif)';
    expect(file).toMatchObject({ width: 64, height: 48, frames: 30, contentType: videoFormat(type).contentType });
    expect(file.fileSize).toBe((await readFile(file.path)).length);
    expect(file.duration).toBeCloseTo((30 * 1001) / 24_000, 2);
    if (!isGif) expect(file.fps).toEqual({ num: 24_000, den: 1001 });
    let index = 0;
    for await (const { time, rgb } of decodeVideoFrames(file.path)) {
      expect(Math.abs(time - (index * 1001) / 24_000)).toBeLessThan(0.006);
      expect(psnr(rgb, frames.subarray(index * rgb.length, ++index * rgb.length))).toBeGreaterThan(isGif ? 30 : 36);
    }
    expect(index).toBe(30);
    const opinion = await ffprobe(file.path, '-count_frames');
    if (opinion !== undefined) {
      expect(opinion.streams).toMatchObject([{ width: 64, height: 48, nb_read_frames: '30' }]);
      if (!isGif) expect(opinion.streams[0]).toMatchObject({ avg_frame_rate: '24000/1001', color_space: 'bt709' });
    }
  });

  it('writes the same bytes for the same frames', async () => {
    const audio = { source: 'file', path: join(fixtures, 'click.flac') } as const;
    const [first, second] = [
      await encode({ type, name: 'first', audio }, gradient(20)),
      await encode({ type, name: 'second', audio }, gradient(20)),
    ];
    expect(await readFile(first.path)).toEqual(await readFile(second.path));
    expect((await reader.probe(first.path)).audio?.codec).toBe(
      { 'X264 (.mp4)': 'aac', 'VP9 (.webm)': 'opus', 'PRORES4444 (.mov)': 'pcm_s16le', 'GIF (.gif)': undefined }[type],
    );
  });

  it('delivers odd sizes, made even only where the codec needs it', async () => {
    const file = await encode({ type, width: 65, height: 33 }, gradient(3, 65, 33));
    const even = type === 'X264 (.mp4)';
    expect(file).toMatchObject(even ? { width: 66, height: 34 } : { width: 65, height: 33 });
  });

  it('makes larger files at higher quality', async () => {
    const noise = Uint8Array.from({ length: 8 * 64 * 48 * 3 }, (_, index) => (index * index * 31) % 251);
    const low = await encode({ type, quality: 'low', fps: 8 }, noise);
    const maximum = await encode({ type, quality: 'maximum', fps: 8 }, noise);
    expect(maximum.fileSize).toBeGreaterThan(low.fileSize);
  });
});

describe('sound', () => {
  const movies = videoOutputTypes.filter((type) => type !== 'GIF (.gif)');
  const [mp4, webm, mov] = movies as [VideoOutputType, VideoOutputType, VideoOutputType];

  // Profile 1 is AAC-LC, -99 none. What is kept is copied, not encoded again.
  it.each([
    [mp4, 'click.m4a', 'aac', 1, 32_000, 1, true],
    [mp4, 'click-gap.m4a', 'aac', 1, 48_000, 1, true],
    [mp4, 'click.mp3', 'aac', 1, 32_000, 1, false],
    [mp4, 'click-he.m4a', 'aac', 1, 48_000, 2, false],
    [mp4, 'click-96k.m4a', 'aac', 1, 48_000, 1, false],
    [mp4, 'click-51.m4a', 'aac', 1, 48_000, 2, false],
    [mp4, 'click.aac', 'aac', 1, 32_000, 1, false],
    [mp4, 'click-alac.m4a', 'aac', 1, 44_100, 1, false],
    [mp4, 'click.wav', 'aac', 1, 16_000, 1, false],
    [webm, 'click.opus', 'opus', -99, 48_000, 1, true],
    [webm, 'click.ogg', 'vorbis', -99, 32_000, 1, true],
    [webm, 'click-gap.webm', 'opus', -99, 48_000, 1, true],
    [webm, 'click-51.opus', 'opus', -99, 48_000, 2, false],
    [webm, 'click.m4a', 'opus', -99, 48_000, 1, false],
    [webm, 'click.flac', 'opus', -99, 48_000, 1, false],
    [mov, 'click.wav', 'pcm_s16le', -99, 16_000, 1, true],
    [mov, 'click.mp3', 'pcm_s16le', -99, 32_000, 1, false],
    [mov, 'click-51.opus', 'pcm_s16le', -99, 48_000, 2, false],
    [mov, 'click-s24.wav', 'pcm_s24le', -99, 8000, 1, true],
  ] as const)(
    'of %s from %s is what phones play, in sync, and ends with the pictures: %s',
    async (type, name, ...wanted) => {
      const [codec, profile, sampleRate, channels, kept] = wanted;
      const path = join(fixtures, name);
      const file = await encode({ type, audio: { source: 'file', path } }, gradient(20));
      const source = await reader.decodeAudio(path);
      const sound = await reader.decodeAudio(file.path);
      expect(Math.abs(place(sound) - place(source))).toBeLessThan(0.002);
      expect(Math.abs(sound.duration - 20 / 24)).toBeLessThan(0.004);
      const { audio, video } = await reader.probe(file.path);
      expect(audio).toMatchObject({ codec, sampleRate, channels });
      expect(video).toMatchObject({ codec: { [mp4]: 'h264', [webm]: 'vp9', [mov]: 'prores' }[type], frames: 20 });
      expect(Math.abs((video?.duration ?? 0) - 20 / 24)).toBeLessThan(0.002);
      expect(await aacProfile(file.path)).toBe(profile);
      expect((await readFile(file.path)).includes(await largestPacket(path))).toBe(kept);
      const opinion = await ffprobe(file.path);
      if (opinion === undefined) return;
      const expected = { codec_name: codec, sample_rate: `${sampleRate}`, channels };
      expect(opinion.streams[1]).toMatchObject(codec === 'aac' ? { ...expected, profile: 'LC' } : expected);
    },
  );

  // The AudioSpecificConfig says what an AAC stream is; 0x12 0x88 is AAC-LC of 32 kHz, mono.
  it.each([
    ['HE-AAC, announced', '12 88 56 e5 80', false],
    ['AAC Main', '0a 88 56 e5 00', false],
    ['frames of 960 samples', '12 8c 56 e5 00', false],
    ['AAC-LC without announcements', '12 88 00 00 00', true],
  ])('of an mp4 is copied or not by what its header says: %s', async (_, config, kept) => {
    const bytes = await readFile(join(fixtures, 'click.m4a'));
    const at = bytes.indexOf(Buffer.from('128856e500', 'hex'));
    expect(at).toBeGreaterThan(0);
    Buffer.from(config.replaceAll(' ', ''), 'hex').copy(bytes, at);
    const path = join(folder, 'header.m4a');
    await writeFile(path, bytes);
    const file = await encode({ audio: { source: 'file', path } }, gradient(20));
    expect((await readFile(file.path)).includes(await largestPacket(path))).toBe(kept);
  });

  it.each(movies)('of %s from samples keeps its place, and may be shorter than the picture', async (type) => {
    const waveform = new Float32Array(2 * 12_000);
    for (let index = 0; index < 1200; index++) waveform[6000 + index] = waveform[18_000 + index] = Math.sin(index / 4);
    const path = join(folder, 'sound');
    await writeSoundFile(path, { waveform, sampleRate: 24_000, channels: 2 });
    const file = await encode({ type, audio: { source: 'pcm', path, sampleRate: 24_000, channels: 2 } }, gradient(24));
    const audio = await reader.decodeAudio(file.path);
    expect(audio.channels).toBe(2);
    expect(
      Math.abs(center(audio.waveform.subarray(0, audio.waveform.length / 2), audio.sampleRate) - 0.275),
    ).toBeLessThan(0.002);
    expect(Math.abs(audio.duration - 0.5)).toBeLessThan(0.05);
    expect(file).toMatchObject({ frames: 24 });
    expect(file.duration).toBeCloseTo(1, 2);
  });

  it('starts and ends where it is told', async () => {
    const audio = { source: 'file', path: join(fixtures, 'click.wav'), start: 0.4, duration: 0.3 } as const;
    const file = await encode({ type: 'PRORES4444 (.mov)', audio }, gradient(24));
    const { waveform, sampleRate, duration } = await reader.decodeAudio(file.path);
    expect(duration).toBeCloseTo(0.3, 3);
    expect(Math.abs(center(waveform, sampleRate) - 0.125)).toBeLessThan(0.001);
  });

  it('of an mp4 is finite where the recording is not', async () => {
    const path = join(folder, 'floats.wav');
    const wav = await readFile(join(fixtures, 'click-float.wav'));
    for (const [index, value] of [Number.NaN, Number.POSITIVE_INFINITY, -3e38].entries()) {
      wav.writeFloatLE(value, wav.length - 48_000 + 4 * (3000 + index));
    }
    await writeFile(path, wav);
    const file = await encode({ audio: { source: 'file', path } }, gradient(20));
    const { waveform } = await reader.decodeAudio(file.path);
    expect(waveform.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0)).toBeCloseTo(0.61, 1);
  });

  it('of a webm is all of a chain of recordings of several formats, the first of which could be copied', async () => {
    const path = join(folder, 'joined.ogg');
    const parts = ['click.ogg', 'click-stereo.ogg', 'click.opus'];
    await writeFile(path, Buffer.concat(await Promise.all(parts.map((name) => readFile(join(fixtures, name))))));
    const clip = { type: 'VP9 (.webm)', fps: 10, width: 16, height: 16, audio: { source: 'file', path } } as const;
    const file = await encode(clip, gradient(50, 16, 16));
    const { waveform, sampleRate, duration } = await reader.decodeAudio(file.path);
    expect(duration).toBeCloseTo(4.5, 1);
    for (const start of [0, 1.5, 3]) {
      const part = waveform.subarray(start * sampleRate, (start + 1.5) * sampleRate);
      expect(Math.abs(center(part, sampleRate) - 0.53)).toBeLessThan(0.02);
    }
  });

  it("that cannot be read is the user's fault, and leaves no file", async () => {
    const audio = { source: 'file', path: new URL(import.meta.url).pathname } as const;
    await expect(media.openEncoder(settings({ audio }))).rejects.toMatchObject({ kind: 'input', field: 'audio' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('frame rates', () => {
  const movies = videoOutputTypes.filter((type) => type !== 'GIF (.gif)');
  it.each(movies)('of %s are exact', async (type) => {
    for (const fps of [7.123, 12.5, 59.94, 60]) {
      const file = await encode({ type, fps, width: 32, height: 32 }, gradient(9, 32, 32));
      const { num, den } = fpsRational(fps);
      expect(file.fps.num * den).toBe(file.fps.den * num);
      expect(Math.abs(file.duration - (9 * den) / num)).toBeLessThan(0.0015);
    }
  });
});

describe('GIF', () => {
  it.each([
    ['low', 60, 12],
    ['medium', 24, 15],
    ['high', 60, 25],
    ['maximum', 60, 50],
  ] as const)('of %s quality from %i frames a second has %i, and the same length', async (quality, fps, expected) => {
    const file = await encode({ type: 'GIF (.gif)', quality, fps }, gradient(fps));
    expect(file.duration).toBeCloseTo(1, 2);
    expect(file.frames).toBe(expected);
  });
});

describe('VideoEncoder', () => {
  it('converts to BT.709 limited range, and says so in the file', async () => {
    const red = new Uint8Array(64 * 48 * 3).map((_, index) => (index % 3 === 0 ? 255 : 0));
    const file = await encode({ quality: 'maximum' }, red);
    const bytes = (await readFile(file.path)).toString('latin1');
    expect(bytes).toContain('colrnclx\x00\x01\x00\x01\x00\x01\x00');
    for await (const { rgb } of decodeVideoFrames(file.path)) expect(psnr(rgb, red)).toBeGreaterThan(40);
  });

  it('puts the index of an mp4 first', async () => {
    const bytes = (await readFile((await encode({}, gradient(3))).path)).toString('latin1');
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
  });

  it.each(['abort', 'dispose', 'signal', 'kill', 'service'] as const)('leaves nothing behind after %s', async (end) => {
    const controller = new AbortController();
    const encoder = await media.openEncoder(settings({ type: 'GIF (.gif)' }), controller.signal);
    await encoder.write(gradient(10));
    expect(await readdir(folder)).not.toContain('clip');
    if (end === 'abort') await encoder.abort();
    if (end === 'dispose') await encoder[Symbol.asyncDispose]();
    if (end === 'service') await media[Symbol.asyncDispose]();
    if (end === 'signal') controller.abort();
    if (end === 'kill') {
      assert(encoder.pid !== undefined);
      process.kill(encoder.pid, 'SIGKILL');
    }
    if (end === 'signal') await expect(encoder.finish()).rejects.toMatchObject({ kind: 'cancelled' });
    else if (end === 'kill') await expect(encoder.finish()).rejects.toMatchObject({ kind: 'crash' });
    else await expect(encoder.finish()).rejects.toThrow('already finished or aborted');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not started when the request is already cancelled', async () => {
    const opening = media.openEncoder(settings({}), AbortSignal.abort());
    await expect(opening).rejects.toMatchObject({ kind: 'cancelled' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes frames in any batches, and refuses parts of frames', async () => {
    const whole = await encode({ name: 'whole' }, gradient(9));
    await using encoder = await media.openEncoder(settings({ name: 'parts' }));
    const frames = gradient(9);
    for (let at = 0; at < 9; at += 2) {
      const batch = frames.slice(at * 9216, Math.min(9, at + 2) * 9216);
      await encoder.write(batch);
      // The array belongs to the caller again.
      batch.fill(0);
    }
    await expect(encoder.write(new Uint8Array(5))).rejects.toThrow(RangeError);
    expect(await readFile((await encoder.finish()).path)).toEqual(await readFile(whole.path));
    expect((await readdir(folder)).toSorted()).toEqual(['parts', 'whole']);
  });

  const onDisk = [
    ...videoOutputTypes.map((type) => [type, 'clip.partial'] as const),
    ['GIF (.gif)', 'clip.spool.partial'],
  ] as const;
  it.runIf(process.platform === 'linux').each(onDisk)('says that the disk is full: %s, %s', async (type, name) => {
    await symlink('/dev/full', join(folder, name));
    const quality = name === 'clip.partial' ? 'maximum' : 'high';
    const error = await encode({ type, quality }, gradient(60)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'device', message: expect.stringContaining('The disk is full') });
    expect(await readdir(folder)).toEqual([]);
  });
});

/** What the system's ffprobe reads from a file, where there is one: a second opinion. */
async function ffprobe(
  path: string,
  ...options: string[]
): Promise<{ streams: Record<string, unknown>[] } | undefined> {
  const asked = ['-v', 'error', ...options, '-show_streams', '-of', 'json', path];
  try {
    return JSON.parse((await promisify(execFile)('ffprobe', asked)).stdout);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** FFmpeg's number of the audio codec's profile. */
async function aacProfile(path: string): Promise<number | undefined> {
  await using input = await MediaInput.open(path, 'video');
  return input.soundTracks[0]?.codecpar.profile;
}

/** The longest piece of encoded sound, which a copy of the stream has too; of PCM the start. */
async function largestPacket(path: string): Promise<Buffer> {
  await using input = await MediaInput.open(path, 'audio');
  let largest = Buffer.alloc(0);
  for await (const { data } of input.packets(input.soundTracks)) {
    if (data !== null && data.length > largest.length) largest = Buffer.from(data);
  }
  return largest;
}

/** Seconds at the center of the energy of the first channel. */
function place({ waveform, channels, sampleRate }: DecodedAudio): number {
  return center(waveform.subarray(0, waveform.length / channels), sampleRate);
}

/** Seconds at the center of a waveform's energy. */
function center(samples: Float32Array, sampleRate: number): number {
  let energy = 0;
  let moment = 0;
  for (const [index, value] of samples.entries()) {
    energy += value * value;
    moment += value * value * index;
  }
  return moment / energy / sampleRate;
}
