import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MediaService } from './media-service.ts';
import { toStereo } from './sound/stereo.ts';

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
    ['click-alac.m4a', 44_100],
    ['click-96k.m4a', 96_000],
  ])('decodes %s in full and in sync', async (name, sampleRate) => {
    const audio = await media.decodeAudio(join(fixtures, name));
    expect(audio).toMatchObject({ sampleRate, channels: 1, channelMask: 4 });
    expect(audio.duration).toBeCloseTo(1.5, 2);
    expect(center(audio.waveform, sampleRate)).toBeCloseTo(0.525, 3);
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
    ['half a header', async () => written('head.wav', (await wav()).subarray(0, 30)), 'begins like wav but is cut off'],
    ['no file', async () => join(folder, 'nowhere.mp3'), 'does not exist'],
    ['a folder', async () => folder, 'is not a file'],
  ])('refuses %s with a sentence of its own', async (_, make, sentence) => {
    const error = await media.decodeAudio(await make()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'SoundstageError', kind: 'input', field: 'audio' });
    expect((error as Error).message).toContain(sentence);
  });

  // Nothing is closed to root.
  it.skipIf(process.getuid?.() === 0)('refuses a file that may not be read', async () => {
    const path = await written('closed.wav', await wav());
    await chmod(path, 0);
    await expect(media.decodeAudio(path)).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching('may not be read'),
    });
  });

  it.runIf(process.platform === 'linux')('says that the disk is full', async () => {
    const decoding = media.decodeSound(join(fixtures, 'click.wav'), { output: '/dev/full', maxSeconds: 1 });
    await expect(decoding).rejects.toMatchObject({
      kind: 'device',
      message: expect.stringMatching('The disk is full'),
    });
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
});

describe('a recording that is cut off', () => {
  // The index is at the end of the first file, and at the beginning of the second.
  it.each<[string, number[]]>([
    ['click.m4a', [100, 1000, 1404, 1405, 1600, 2000]],
    ['click-frag.mp4', [40, 300, 1200]],
  ])('says so wherever in its index %s ends', async (name, lengths) => {
    const whole = await readFile(join(fixtures, name));
    for (const length of lengths) {
      const cut = await written('cut.m4a', whole.subarray(0, length));
      await expect(media.decodeAudio(cut), `${length} bytes`).rejects.toThrow('cut off');
    }
  });

  it('is a webm film that is shorter than its header says, and not one whose sound ends before its pictures', async () => {
    const path = join(folder, 'film.webm');
    const film = {
      path,
      type: 'VP9 (.webm)',
      quality: 'low',
      writeMode: 'fast',
      width: 32,
      height: 32,
      fps: 10,
    } as const;
    const audio = { source: 'file', path: join(fixtures, 'click.opus') } as const;
    await using encoder = await media.openEncoder({ ...film, audio });
    await encoder.write(Uint8Array.from({ length: 32 * 32 * 3 * 30 }, (_, index) => (index * index * 31) % 251));
    await encoder.finish();
    expect((await media.decodeAudio(path)).duration).toBeCloseTo(1.5, 1);
    const whole = await readFile(path);
    const cut = await written('cut.webm', whole.subarray(0, whole.length / 3));
    await expect(media.decodeAudio(cut)).rejects.toThrow(/is cut off: it says 3\.0 s/);
    // A live recording does not say how long it will be: the size of its segment is all ones.
    const segment = whole.indexOf(Buffer.from('18538067', 'hex'));
    whole.fill(0xff, segment + 5, segment + 12).writeUInt8(0x01, segment + 4);
    expect(
      (await media.decodeAudio(await written('live.webm', whole.subarray(0, whole.length / 3)))).duration,
    ).toBeLessThan(1.5);
  });

  it('is not one whose mp3 tag or cover has the words of an mp3 header', async () => {
    const mp3 = await readFile(join(fixtures, 'quiet-then-loud.mp3'));
    const cover = Buffer.from(`\u0000image/jpeg\u0000\u0003\u0000${'Info Xing VBRI '.repeat(300)}`, 'latin1');
    for (const tag of [id3('TIT2', Buffer.from('\u0000Info Xing VBRI')), id3('APIC', cover)]) {
      const { duration } = await media.decodeAudio(await written('tagged.mp3', Buffer.concat([tag, mp3])));
      expect(duration).toBeCloseTo(7.2, 1);
    }
  });

  it('is an mp3 with a cover whose own header counts more than there is', async () => {
    const mp3 = await readFile(join(fixtures, 'click.mp3'));
    const half = Buffer.concat([id3('APIC', Buffer.alloc(40_000, 1)), mp3.subarray(0, mp3.length / 2)]);
    await expect(media.decodeAudio(await written('half.mp3', half))).rejects.toThrow('it says 1.5 s');
  });

  it.each([
    ['click-short.wmv', 1.47],
    ['click-frag.mp4', 1.54],
  ])('is not %s, whose header speaks of more than its sound', async (name, seconds) => {
    expect((await media.decodeAudio(join(fixtures, name))).duration).toBeCloseTo(seconds, 1);
  });

  it('is not one that starts late, or in which nothing was recorded for a while', async () => {
    const { duration } = await media.decodeAudio(join(fixtures, 'click-gap.webm'));
    expect(duration).toBeCloseTo(1.2, 1);
  });

  it.each([0, 0x7fff_ffff, 0x7fff_f000, 0x8000_0000, 0xffff_ffff, 60_000])(
    'is not a wav that was written before its size was known, as %i',
    async (size) => {
      const bytes = await readFile(join(fixtures, 'click.wav'));
      const whole = await media.decodeAudio(join(fixtures, 'click.wav'));
      bytes.writeUInt32LE(size, 40);
      expect((await media.decodeAudio(await written('stream.wav', bytes))).waveform).toEqual(whole.waveform);
      bytes.writeUInt32LE(Math.min(size + 36, 0xffff_ffff), 4);
      expect((await media.decodeAudio(await written('stream.wav', bytes))).waveform).toEqual(whole.waveform);
    },
  );

  it('is not a compressed wav with a wrong number of samples', async () => {
    const mp3 = await readFile(join(fixtures, 'quiet-then-loud.mp3'));
    const format = Buffer.from(
      '5500010040 1f0000 e8030000 0100 0000 0c00 0100 02000000 4800 0100 7105'.replaceAll(' ', ''),
      'hex',
    );
    const fact = Buffer.alloc(4);
    fact.writeUInt32LE(8000 * 20);
    const file = await written('mp3.wav', riff(['fmt ', format], ['fact', fact], ['data', mp3]));
    expect((await media.decodeAudio(file)).duration).toBeCloseTo(7.2, 1);
  });
});

describe('samples that are no numbers', () => {
  const tone = Array.from({ length: 4000 }, (_, index) => 0.5 * Math.sin(index / 3));

  it.each([
    ['NaN', Number.NaN, 4],
    ['infinity', Number.POSITIVE_INFINITY, 4],
    ['minus infinity', Number.NEGATIVE_INFINITY, 4],
    ['3e38', 3e38, 4],
    ['NaN in double precision', Number.NaN, 8],
    ['1e300, which is infinite in single precision', 1e300, 8],
  ] as const)('are silent: %s', async (_, value, bytes) => {
    const path = await written('floats.wav', floatWav(tone.with(1000, value).with(1001, -value), bytes));
    const { waveform } = await media.decodeAudio(path);
    expect(Array.from(waveform)).toEqual(tone.map(Math.fround).with(1000, 0).with(1001, 0));
  });

  it.each([Number.NaN, Number.NEGATIVE_INFINITY, 3e38])(
    'are refused where there is hardly anything else: %f',
    async (value) => {
      const path = await written('floats.wav', floatWav([...tone.slice(0, 1900), ...Array(2100).fill(value)], 4));
      const decoding = media.decodeAudio(path);
      await expect(decoding).rejects.toMatchObject({ kind: 'input', field: 'audio' });
      await expect(decoding).rejects.toThrow('hardly any sound: most of its samples are infinite, not a number');
    },
  );

  it('are not those beyond full scale: loud floats, and floats with the values of integers', async () => {
    const loud = tone.map((value) => Math.fround(3 * value)).with(7, 32_767);
    expect(Array.from((await media.decodeAudio(await written('loud.wav', floatWav(loud, 4)))).waveform)).toEqual(loud);
  });
});

describe('recordings joined end to end', () => {
  it.each([
    ['Vorbis, then Opus of another rate', ['click.ogg', 'click.opus'], 32_000, 1, 3],
    ['mono, then stereo of another rate', ['click.ogg', 'click-stereo.ogg', 'click.ogg'], 32_000, 1, 4.5],
    ['surround, then mono', ['click-51.opus', 'click.ogg'], 48_000, 6, 3],
    ['equal ones', ['click.opus', 'click.opus'], 48_000, 1, 3],
  ])('are decoded to the last: %s', async (_, names, sampleRate, channels, seconds) => {
    const parts = await Promise.all(names.map((name) => readFile(join(fixtures, name))));
    const audio = await media.decodeAudio(await written('joined', Buffer.concat(parts)));
    expect(audio).toMatchObject({ sampleRate, channels });
    expect(audio.duration).toBeCloseTo(seconds, 1);
    // Each has its click.
    const mono = toStereo(audio.waveform, channels, audio.channelMask).subarray(0, audio.waveform.length / channels);
    for (let part = 0; part < parts.length; part++) {
      const samples = mono.subarray(part * 1.5 * sampleRate, (part + 1) * 1.5 * sampleRate);
      expect(Math.abs(center(samples, sampleRate) - 0.535)).toBeLessThan(0.04);
    }
  });

  it('are refused where one cannot be decoded', async () => {
    const parts = [await readFile(join(fixtures, 'click.ogg')), await readFile(join(fixtures, 'click.opus'))];
    const [vorbis, opus] = parts as [Buffer, Buffer];
    for (const broken of [
      opus.subarray(0, 60),
      Buffer.from(opus.toString('latin1').replace('OpusHead', 'OpusTail'), 'latin1'),
    ]) {
      const decoding = media.decodeAudio(await written('joined.ogg', Buffer.concat([vorbis, broken])));
      await expect(decoding).rejects.toThrow('of which number 2 cannot be decoded');
      await expect(decoding).rejects.toMatchObject({ kind: 'input', field: 'audio' });
    }
  });
});

describe('several audio tracks', () => {
  /** AAC at 32 kHz, and Opus at 48 kHz, the default. */
  const tracks = (): Promise<string> => readFile(join(fixtures, 'click-two.mka'), 'latin1');

  it.each([
    ['the default one', [], 48_000],
    ['another one when that is in an unknown format', ['A_OPUS'], 32_000],
    ['the default one when another is in an unknown format', ['A_AAC'], 48_000],
  ])('are a choice: %s is taken', async (_, broken, sampleRate) => {
    let bytes = await tracks();
    for (const name of broken) bytes = bytes.replace(name, 'A_WXYZ'.slice(0, name.length));
    const audio = await media.decodeAudio(await written('tracks.mka', Buffer.from(bytes, 'latin1')));
    expect(audio).toMatchObject({ sampleRate, channels: 1 });
    expect(center(audio.waveform, sampleRate)).toBeCloseTo(0.54, 1);
  });

  it('are refused when none can be decoded', async () => {
    const bytes = (await tracks()).replace('A_OPUS', 'A_WXYZ').replace('A_AAC', 'A_WXY');
    const decoding = media.decodeAudio(await written('tracks.mka', Buffer.from(bytes, 'latin1')));
    await expect(decoding).rejects.toThrow('which cannot be decoded: convert it to mp3, wav or aac');
  });
});

/** An ID3v2.3 tag with one frame. */
function id3(name: string, body: Uint8Array): Buffer {
  const frame = Buffer.concat([Buffer.from(name), Buffer.alloc(6), body]);
  frame.writeUInt32BE(body.length, 4);
  const sizes = [21, 14, 7, 0].map((shift) => (frame.length >> shift) & 127);
  return Buffer.concat([Buffer.from('ID3'), Buffer.from([3, 0, 0, ...sizes]), frame]);
}

function riff(...chunks: (readonly [name: string, content: Uint8Array])[]): Buffer {
  const body = chunks.map(([name, content]) => {
    const header = Buffer.from(`${name}size`);
    header.writeUInt32LE(content.length, 4);
    return Buffer.concat([header, content, Buffer.alloc(content.length % 2)]);
  });
  const file = Buffer.concat([Buffer.from('RIFFsizeWAVE'), ...body]);
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}

/** A mono wav at 8 kHz of floating-point samples. */
function floatWav(samples: readonly number[], bytes: 4 | 8): Buffer {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(3, 0);
  format.writeUInt16LE(1, 2);
  format.writeUInt32LE(8000, 4);
  format.writeUInt32LE(8000 * bytes, 8);
  format.writeUInt16LE(bytes, 12);
  format.writeUInt16LE(bytes * 8, 14);
  const values = bytes === 4 ? Float32Array.from(samples) : Float64Array.from(samples);
  return riff(['fmt ', format], ['data', new Uint8Array(values.buffer)]);
}

const onePixelGif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==', 'base64');
