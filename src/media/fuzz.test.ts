import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, assert, beforeAll, describe, expect, it } from 'vitest';
import { elementAt } from '../shared/element-at.ts';
import { SoundstageError } from '../shared/errors.ts';
import { bitmap } from './bitmap.test-support.ts';
import { MediaService } from './media-service.ts';
import { decodedImage, h264RoundTrip } from './pictures.test-support.ts';
import { residentBytes } from './process/memory-limit.ts';

// More rounds for a long run: SOUNDSTAGE_FUZZ_ROUNDS=5000 npx vitest run src/media/fuzz
const rounds = Number(process.env.SOUNDSTAGE_FUZZ_ROUNDS ?? 40);
const timeout = 60_000 + rounds * 1000;

const fixtures = new URL('../../test/fixtures/media/', import.meta.url).pathname;
/** Made of several of the others, one after the other. */
const joined = 'joined.ogg';
const media = new MediaService();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-fuzz-'));
});
afterAll(async () => {
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Whole numbers below a bound; xorshift32. */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed * 2654435761 + 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** Flips, overwrites, removes, repeats or cuts off bytes; headers, where parsers go wrong, more often than the rest. */
function mutated(original: Uint8Array, seed: number): Uint8Array {
  const random = randomNumbers(seed);
  let bytes = Uint8Array.from(original);
  const place = (): number => random(random(2) === 0 ? Math.min(256, bytes.length) : bytes.length);
  for (let change = random(8); change >= 0 && bytes.length > 16; change--) {
    const at = place();
    const length = 1 + random(16);
    const kind = random(12);
    if (kind < 5) bytes[at] = elementAt(bytes, at) ^ (1 << random(8));
    else if (kind < 8) bytes.fill(elementAt([0, 255, 127, 128], random(4)), at, at + 1 + random(4));
    else if (kind < 9) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
    else if (kind < 11) bytes = Uint8Array.from([...bytes.subarray(0, at + length), ...bytes.subarray(at)]);
    else bytes = bytes.slice(0, 16 + random(bytes.length));
  }
  return bytes;
}

/** Every answer has to be a result or an error that is fit for the user. */
async function outcome(work: Promise<unknown>): Promise<'result' | 'refused'> {
  try {
    await work;
    return 'result';
  } catch (error) {
    expect(error).toBeInstanceOf(SoundstageError);
    expect(error).toMatchObject({ kind: 'input', message: expect.stringMatching(/^The .*\.$/s) });
    return 'refused';
  }
}

const sounds = ['click.mp3', 'click.m4a', 'click.ogg', 'click.opus', 'click.wav', 'click.flac', 'click.webm', joined];

async function sound(name: string): Promise<Uint8Array> {
  const parts = name === joined ? ['click.ogg', 'click.opus', 'click-stereo.ogg'] : [name];
  return Buffer.concat(await Promise.all(parts.map((part) => readFile(join(fixtures, part)))));
}

describe('mutated files', () => {
  it.each(sounds)('%s', { timeout }, async (name) => {
    const original = await sound(name);
    const [path, output] = [join(folder, name), join(folder, 'decoded')];
    const count = { result: 0, refused: 0 };
    for (let seed = 1; seed <= rounds; seed++) {
      await writeFile(path, mutated(original, seed));
      count[await outcome(media.decodeSound(path, { output, maxSeconds: 600 }))]++;
      if (seed % 4 === 0) await outcome(media.probe(path));
    }
    expect(count.result + count.refused).toBe(rounds);
    if (rounds > 100) console.log(name, count);
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif', 'bmp', 'heic'] as const)('%s', { timeout }, async (format) => {
    const noise = Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, index) => (index * index * 31) % 251));
    const picture = sharp(noise, { raw: { width: 32, height: 32, channels: 3 } });
    const original =
      format === 'bmp'
        ? bitmap(32, 32, noise)
        : format === 'heic'
          ? await readFile(join(fixtures, 'quadrants-tiles.heic'))
          : await picture.toFormat(format).toBuffer();
    const path = join(folder, `picture.${format}`);
    const count = { result: 0, refused: 0 };
    for (let seed = 1; seed <= rounds; seed++) {
      await writeFile(path, mutated(original, seed));
      count[await outcome(decodedImage(media, path))]++;
    }
    if (rounds > 100) console.log(format, count);
  });

  it('as the sound of a video, which has whatever the decoder took', { timeout: timeout * 3 }, async () => {
    const count = { result: 0, refused: 0 };
    for (let seed = 1; seed <= Math.ceil(rounds / 4); seed++) {
      const name = elementAt(sounds, seed % sounds.length);
      const path = join(folder, name);
      await writeFile(path, mutated(await sound(name), seed));
      const type = elementAt(['X264 (.mp4)', 'VP9 (.webm)', 'PRORES4444 (.mov)'] as const, seed % 3);
      const decoding = media.decodeSound(path, { output: join(folder, 'decoded'), maxSeconds: 20 / 24 + 1 });
      const decoded = await outcome(decoding);
      expect([decoded, 'result']).toContain(await outcome(encodeWith(path, type)));
      count[decoded]++;
    }
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
    if (rounds > 100) console.log('sound of a video', count);
  });

  async function encodeWith(path: string, type: 'X264 (.mp4)' | 'VP9 (.webm)' | 'PRORES4444 (.mov)'): Promise<void> {
    await using encoder = await media.openEncoder({
      path: join(folder, 'clip'),
      type,
      quality: 'low',
      writeMode: 'fast',
      width: 32,
      height: 32,
      fps: 24,
      audio: { source: 'file', path },
    });
    await encoder.write(new Uint8Array(20 * 32 * 32 * 3));
    await encoder.finish();
  }
});

it.runIf(process.platform === 'linux')('a decode process does not grow', { timeout: timeout * 3 }, async () => {
  const round = async (): Promise<void> => {
    await media.decodeAudio(join(fixtures, 'click.mp3'));
    await media.decodeAudio(join(fixtures, 'click.m4a'));
    await media.probe(join(fixtures, 'click.webm'));
    await h264RoundTrip(media, { width: 64, height: 64, rgb: new Uint8Array(64 * 64 * 3) });
  };
  for (let warmUp = 0; warmUp < 50; warmUp++) await round();
  const decoderBytes = (): Promise<number> => {
    assert(media.decoderPid !== undefined);
    return residentBytes(media.decoderPid);
  };
  const before = await decoderBytes();
  for (let turn = 0; turn < rounds * 4; turn++) await round();
  const growth = (await decoderBytes()) - before;
  if (rounds > 100) console.log(`growth in ${rounds * 4} rounds: ${(growth / 1e6).toFixed(1)} MB of ${before / 1e6}`);
  expect(growth).toBeLessThan(100e6);
});
