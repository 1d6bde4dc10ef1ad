import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentFlac } from '../../test/support/media/silent-flac.ts';
import { decodeAudio } from './native/decode/sound/audio-decode.ts';
import { conditionSound, type DecodedSound, decodeSound } from './native/decode/sound/sound-decode.ts';
import { MovieWriter } from './native/encode/movie-writer.ts';
import type { MovieType } from './native/encode/video-codec.ts';
import { readSoundFile } from './raw/sound-file.ts';
import { type VideoQuality, videoOutputTypes, videoQualities } from './video-settings.ts';
import { type WavFormat, wav } from './wav.test-support.ts';

// What the decode process and the encode process do, in this process: a process for each of hundreds of clips takes minutes.

const [width, height, fps, frames] = [16, 16, 24, 3];
const { signal } = new AbortController();
const movies = videoOutputTypes.filter((type) => type !== 'GIF (.gif)');
let folder: string;
let path: string;

beforeAll(async () => {
  Log.setLevel(AV_LOG_QUIET);
  folder = await mkdtemp(join(tmpdir(), 'soundstage-odd-'));
  path = join(folder, 'recording');
});
afterAll(() => rm(folder, { recursive: true }));

function decode(): Promise<DecodedSound> {
  return decodeSound(
    { path, field: 'audio', start: 0, output: join(folder, 'decoded'), maxSeconds: frames / fps + 1 },
    signal,
  );
}

/** Writes a clip with the recording; resolves to the seconds of sound in it. */
async function clip(type: MovieType, quality: VideoQuality): Promise<number> {
  const output = join(folder, 'clip');
  const settings = { path: output, type, quality, writeMode: 'fast', width, height, fps } as const;
  await using writer = await MovieWriter.open(output, { ...settings, audio: { source: 'file', path } }, type);
  for (let frame = 0; frame < frames; frame++) await writer.write(new Uint8Array(width * height * 3).fill(frame));
  await writer.finish();
  let seconds = 0;
  await decodeAudio(
    { path: output, field: 'clip', start: 0, maxSeconds: 10 },
    async (block, { channels, sampleRate }) => {
      seconds += block.length / channels / sampleRate;
      // Lossy sound goes somewhat beyond full scale where the recording was cut off there.
      expect(block.every((value) => Math.abs(value) < 4)).toBe(true);
    },
    signal,
  );
  return seconds;
}

const tone = (frame: number): number => 0.5 * Math.sin(frame / 9);
const plain: WavFormat = { sampleRate: 16_000, channels: 1, kind: 'integers', bits: 16 };
const ofRate = (sampleRate: number): Buffer =>
  wav({ ...plain, sampleRate }, Math.ceil(Math.min(sampleRate, 200_000) / 10), tone);
const ofChannels = (channels: number): Buffer => wav({ ...plain, channels }, 1600, tone);
const ofFloats = (value: (frame: number) => number, bits: 32 | 64 = 32): Buffer =>
  wav({ ...plain, kind: 'floats', bits }, 1600, value);
const sometimes =
  (odd: number) =>
  (frame: number): number =>
    frame % 10 === 0 ? odd : tone(frame);

describe('becomes a clip of every type and quality:', () => {
  it.each<[string, () => Buffer]>([
    ...[9, 32, 64, 65].map((count): [string, () => Buffer] => [`${count} channels`, () => ofChannels(count)]),
    ['12 channels with a mask of 11 speakers', () => wav({ ...plain, channels: 12, channelMask: 0x7ff }, 1600, tone)],
    [
      '3 channels with the mask of every speaker',
      () => wav({ ...plain, channels: 3, channelMask: 0x3ffff }, 1600, tone),
    ],
    ...[1000, 3999, 7350, 44_101, 192_001, 384_000, 768_000, 1_000_000].map((rate): [string, () => Buffer] => [
      `${rate} Hz`,
      () => ofRate(rate),
    ]),
    ['64 channels of 384 kHz', () => wav({ ...plain, sampleRate: 384_000, channels: 64, bits: 24 }, 1600, tone)],
    ...[1e30, 60_000, Number.NaN, Number.NEGATIVE_INFINITY].map((value): [string, () => Buffer] => [
      `floats that are sometimes ${value}`,
      () => ofFloats(sometimes(value)),
    ]),
    ['doubles that are sometimes 1e300', () => ofFloats(sometimes(1e300), 64)],
    ['floats with the values of integers', () => ofFloats((frame) => 32_767 * tone(frame))],
    ['floats too small to be normal', () => ofFloats((frame) => 1e-40 * tone(frame))],
    ['a hundredth of a second', () => wav(plain, 160, () => 1)],
    ['silence of 8 channels', () => silentFlac(1, 8)],
  ])('%s', async (_, make) => {
    await writeFile(path, make());
    const sound = await decode();
    expect(sound.sampleRate).toBeGreaterThanOrEqual(8000);
    expect(sound.sampleRate).toBeLessThanOrEqual(48_000);
    await conditionSound(sound, frames / fps);
    const { waveform } = await readSoundFile(sound);
    expect(waveform.every((value) => Math.abs(value) < 1)).toBe(true);
    for (const type of movies) {
      for (const quality of videoQualities) {
        expect(await clip(type, quality), `${type} ${quality}`).toBeLessThan(frames / fps + 0.05);
      }
    }
  });
});

describe('is refused by the decoder, and by every encoder before the first picture:', () => {
  it.each<[string, () => Buffer, string]>([
    ...[1, 10, 999, 1_000_001, 2 ** 31 - 1].map((rate): [string, () => Buffer, string] => [
      `${rate} Hz`,
      () => ofRate(rate),
      'sample rate',
    ]),
    ['no samples', () => wav(plain, 0, tone), 'nothing in it can be decoded'],
    ['4294967295 Hz', () => ofRate(2 ** 32 - 1), 'cut off or damaged'],
    ['no channels', () => wav({ ...plain, channels: 0 }, 1600, tone), 'no audio track'],
  ])('%s', async (_, make, sentence) => {
    await writeFile(path, make());
    const refusal = { kind: 'input', field: 'audio', message: expect.stringContaining(sentence) };
    await expect(decode()).rejects.toMatchObject(refusal);
    for (const type of movies) await expect(clip(type, 'low')).rejects.toMatchObject(refusal);
  });

  it.each([1e30, Number.NaN, Number.POSITIVE_INFINITY])('only %f, by the decoder', async (value) => {
    await writeFile(
      path,
      ofFloats(() => value),
    );
    await expect(decode()).rejects.toMatchObject({ kind: 'input', field: 'audio' });
  });
});
