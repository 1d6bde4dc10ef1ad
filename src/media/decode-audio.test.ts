import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MediaService } from './media-service.ts';

const fixtures = new URL('../../test/fixtures/media/', import.meta.url).pathname;
const media = new MediaService();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-audio-'));
});
afterAll(async () => {
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Seconds at the centre of a waveform's energy. */
function centre(samples: Float32Array, sampleRate: number): number {
  let energy = 0;
  let moment = 0;
  for (const [index, value] of samples.entries()) {
    energy += value * value;
    moment += value * value * index;
  }
  return moment / energy / sampleRate;
}

async function written(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('decodeAudio', () => {
  it.each([
    ['click.mp3', 32_000],
    ['click.m4a', 32_000],
    ['click.opus', 48_000],
    ['click.ogg', 32_000],
    ['click.flac', 32_000],
    ['click.webm', 48_000],
    ['click.wav', 16_000],
    ['click-s24.wav', 8000],
    ['click-float.wav', 8000],
  ])('decodes %s in full and in sync', async (name, sampleRate) => {
    const audio = await media.decodeAudio(join(fixtures, name));
    expect(audio).toMatchObject({ sampleRate, channels: 1, channelMask: 4 });
    expect(audio.duration).toBeCloseTo(1.5, 2);
    expect(centre(audio.waveform, sampleRate)).toBeCloseTo(0.525, 3);
    expect(audio.waveform.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0)).toBeCloseTo(20_000 / 32_768, 1);
    const info = await media.probe(join(fixtures, name));
    expect(info.audio?.duration).toBeCloseTo(1.5, 2);
    expect(info.video).toBeUndefined();
  });

  it('scales 16-bit samples by 1/32768 exactly', async () => {
    const wav = await readFile(join(fixtures, 'click.wav'));
    const { waveform } = await media.decodeAudio(join(fixtures, 'click.wav'));
    const samples = Array.from(waveform, (_, index) => wav.readInt16LE(44 + 2 * index) / 32_768);
    expect(Array.from(waveform)).toEqual(samples);
  });

  it('goes by the content, not by the name', async () => {
    const path = join(folder, 'really-an-mp3.wav');
    await copyFile(join(fixtures, 'click.mp3'), path);
    expect((await media.probe(path)).container).toBe('mp3');
    expect((await media.decodeAudio(path)).sampleRate).toBe(32_000);
  });

  it('decodes a window', async () => {
    const whole = await media.decodeAudio(join(fixtures, 'click.wav'));
    const part = await media.decodeAudio(join(fixtures, 'click.wav'), { start: 0.5, maxSeconds: 0.25 });
    expect(part.waveform).toEqual(whole.waveform.subarray(8000, 12_000));
    await expect(media.decodeAudio(join(fixtures, 'click.wav'), { start: 2 })).rejects.toThrow(
      'shorter than the start',
    );
  });

  it.each(['click.mp3', 'click-float.wav'])(
    'refuses %s when it is cut off, because the file says how long it is',
    async (name) => {
      const bytes = await readFile(join(fixtures, name));
      const half = await written(`half-${name}`, bytes.subarray(0, bytes.length / 2));
      await expect(media.decodeAudio(half)).rejects.toThrow(/is cut off: it says 1\.5 s and holds 0\.[678] s/);
      const start = await media.decodeAudio(half, { maxSeconds: 0.5 });
      expect(start.duration).toBe(0.5);
    },
  );

  it('decodes what there is of an mp3 that does not say how long it is', async () => {
    const mp3 = await readFile(join(fixtures, 'click.mp3'));
    for (const tag of ['Xing', 'Info']) if (mp3.includes(tag)) mp3.write('    ', mp3.indexOf(tag), 'latin1');
    const { duration } = await media.decodeAudio(await written('half.mp3', mp3.subarray(0, mp3.length / 2)));
    expect(duration).toBeGreaterThan(0.5);
    expect(duration).toBeLessThan(1);
  });

  it.each<[string, () => Promise<string>, string]>([
    ['no bytes', () => written('empty.wav', ''), 'The audio file is empty (0 bytes)'],
    ['text', () => written('text.wav', 'this is not sound\n'.repeat(50)), 'not a recording that can be read'],
    ['a playlist', () => written('list.m3u8', '#EXTM3U\n#EXTINF:1,\nclick.mp3\n'), 'not a recording that can be read'],
    ['a picture', () => written('p.gif', onePixelGif), 'has no audio track'],
    ['a header only', async () => written('head.wav', (await wav()).subarray(0, 44)), 'nothing in it can be decoded'],
    [
      'half an m4a',
      async () => written('half.m4a', (await m4a()).subarray(0, 1000)),
      'not a recording that can be read',
    ],
    ['no file', async () => join(folder, 'nowhere.mp3'), 'does not exist'],
    ['a folder', async () => folder, 'is not a file'],
  ])('refuses %s with a sentence of its own', async (_, make, sentence) => {
    const error = await media.decodeAudio(await make()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'SoundstageError', kind: 'input', field: 'audio' });
    expect((error as Error).message).toContain(sentence);
  });

  it('stops when it is cancelled, and goes on with the next file', async () => {
    const cancelled = media.decodeAudio(join(fixtures, 'click.mp3'), { signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toMatchObject({ kind: 'cancelled' });
    await expect(media.decodeAudio(join(fixtures, 'click.mp3'))).resolves.toBeDefined();
  });

  it('blames the file that makes the decoder hang', async () => {
    await using impatient = new MediaService({ decodeTimeLimit: 1 });
    const call = impatient.decodeAudio(join(fixtures, 'click.mp3'));
    await expect(call).rejects.toThrow('takes too long to decode');
    await expect(call).rejects.toMatchObject({ kind: 'input', field: 'audio' });
  });

  it('blames the file that makes the decoder eat memory', async () => {
    await using poor = new MediaService({ decodeMemoryLimit: 1e6 });
    await expect(poor.decodeAudio(join(fixtures, 'click.mp3'))).rejects.toThrow('takes too much memory to decode');
  });

  const wav = (): Promise<Buffer> => readFile(join(fixtures, 'click.wav'));
  const m4a = (): Promise<Buffer> => readFile(join(fixtures, 'click.m4a'));
});

const onePixelGif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==', 'base64');
