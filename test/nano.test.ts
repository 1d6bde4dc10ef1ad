import { afterAll, beforeAll, expect, test } from 'vitest';
import { frameOf } from '../eval/footage.ts';
import { askedAttributes } from '../eval/measures/attributes/asked-attributes.ts';
import { mouthOpening } from '../eval/measures/faces/mouth-opening.ts';
import { cameraMotion, showsMove } from '../eval/measures/motion/camera-motion.ts';
import { loudnessPerFrame, toLevel } from '../eval/measures/motion/loudness.ts';
import { correlation, median } from '../eval/measures/motion/series.ts';
import { psnr } from '../eval/measures/picture-difference.ts';
import { inkAmount } from '../eval/measures/style-amount.ts';
import { SeededRandom } from '../eval/seeded-random.ts';
import { SoundLibrary } from '../eval/sounds/sound-library.ts';
import { Studio } from '../eval/studio.ts';
import { styleLora } from '../eval/style-lora.ts';
import { drawScene } from '../eval/world/draw.ts';
import { promptFor } from '../eval/world/prompt.ts';
import { randomScene, type Scene, type Speaker } from '../eval/world/scene.ts';

// What a few clips must reach; `npm run eval` measures many and aims higher. What the weights do not reach yet is marked
// `test.fails`, which complains as soon as they do.
const least = {
  /** Correlation of mouths and loudness, median of three clips. */
  sync: 0.7,
  /** Share of colors and kinds asked for that are found, over four clips. */
  attributes: 0.8,
  /** First frame against its image, in dB. */
  firstImage: 22,
  /** By how much the ink LoRA raises the amount of ink, of 0…1. */
  ink: 0.3,
  /** Correlation of the loudness of the recording and of the sound at strength 0.5. */
  soundCourse: 0.5,
} as const;
/** Largest correlation of the waveforms of the recording and of the sound at strength 0.5. */
const maxWaveform = 0.95;

const form = { frames: 25, fps: 12 } as const;
const size = { width: 256, height: 256 } as const;
let studio: Studio;
let sounds: SoundLibrary;

beforeAll(async () => {
  studio = await Studio.open({ model: 'nano', signal: new AbortController().signal });
  sounds = new SoundLibrary(studio.folder, studio.media);
});
afterAll(() => studio[Symbol.asyncDispose]());

function speaker(seed: number): Speaker {
  return { ...randomScene('speaker', new SeededRandom(seed)), ground: 'blue', shirt: 'yellow' };
}

async function take(scene: Scene, seed: number, fields: Readonly<Record<string, unknown>> = {}) {
  const { num_frames: frames = form.frames, fps = form.fps } = fields;
  const sound = await sounds.sound(4 * seed, { frames: Number(frames), fps: Number(fps) });
  const prompt = promptFor(scene, new SeededRandom(seed));
  const request = { prompt, audio_url: sound.path, num_frames: form.frames, fps: form.fps, video_size: size, seed };
  const made = await studio.make({ ...request, ...fields }, { withSound: true });
  return { ...made, recording: sound.samples };
}

/** Correlation of mouths and loudness, median of three clips. */
async function synchrony(form: { readonly frames: number; readonly fps: number }): Promise<number> {
  const found: number[] = [];
  for (const seed of [1, 2, 3]) {
    const { footage, recording } = await take(speaker(seed), seed, { num_frames: form.frames, fps: form.fps });
    found.push(correlation(mouthOpening(footage), loudnessPerFrame(recording, form.frames, form.fps)));
  }
  return median(found);
}

test('mouths move with the sound', async () => {
  expect(await synchrony({ frames: 49, fps: 25 })).toBeGreaterThan(least.sync);
});

// At this rate a latent is two thirds of a second, and few of the clips it learned from have such a rate.
test.fails('mouths move with the sound at 12 frames a second', async () => {
  expect(await synchrony({ frames: 25, fps: 12 })).toBeGreaterThan(least.sync);
});

test('colors and kinds that the prompt asks for are in the picture', async () => {
  const found = [];
  for (const [seed, kind] of (['speaker', 'shapes', 'sea', 'skyline'] as const).entries()) {
    const scene = randomScene(kind, new SeededRandom(20 + seed));
    const { footage } = await take(scene, seed, { num_frames: 9 });
    found.push(...askedAttributes(scene, footage));
  }
  const missed = found.filter(({ met }) => !met);
  expect(1 - missed.length / found.length, JSON.stringify(missed)).toBeGreaterThan(least.attributes);
});

test('the first frame is the image', async () => {
  const image = drawScene(speaker(5), { seconds: 0, loudness: 0.5 }, size);
  const path = await studio.keepPicture('first', image);
  const { footage } = await take(speaker(6), 6, { image_url: path, num_frames: 9 });
  expect(psnr(frameOf(footage, 0), image)).toBeGreaterThan(least.firstImage);
});

test('a camera LoRA moves the picture its way', async () => {
  const { footage } = await take(speaker(7), 7, { camera_lora: 'dolly_in' });
  expect(showsMove(cameraMotion(footage), 'dolly_in')).toBe(true);
});

test('a style LoRA changes the look', async () => {
  const plain = await take(speaker(8), 8, { num_frames: 9 });
  const loras = [{ path: await styleLora('ink', studio.weights), scale: 1 }];
  const inked = await take(speaker(8), 8, { num_frames: 9, loras });
  expect(inkAmount(inked.footage) - inkAmount(plain.footage)).toBeGreaterThan(least.ink);
});

test('at audio_strength 0.5 the sound is another one with the same course', async () => {
  const { sound = new Float32Array(0), recording } = await take(speaker(9), 9, { audio_strength: 0.5 });
  const loudness = (heard: Float32Array): number[] => loudnessPerFrame(heard, form.frames, form.fps);
  expect(correlation(loudness(sound), loudness(recording))).toBeGreaterThan(least.soundCourse);
  expect(Math.abs(correlation(toLevel(sound), toLevel(recording)))).toBeLessThan(maxWaveform);
});
