import { existsSync } from 'node:fs';
import { copyFile, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { plainSettings } from '../../test/support/clip-settings.ts';
import { writeToneWav } from '../../test/support/media/sound-files.ts';
import { gemmaPath, tinyWeights as weights } from '../../test/support/parity-checkpoint.ts';
import { writeSeeingEncoder } from '../../test/support/seeing-encoder.ts';
import { MediaService } from '../media/media-service.ts';
import { decodeVideoFrames } from '../media/native/decode/video-frames.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import { FrameWatch } from '../safety/pictures/frame-watch.ts';
import { elementAt } from '../shared/element-at.ts';
import type { ClipInspector } from './clip-inspector.ts';
import { Engine } from './engine/engine.ts';
import { generateClip } from './generate-clip.ts';
import type { ClipSettings } from './plan/plan.ts';

const examplePath = join(import.meta.dirname, '../../examples/hello.wav');
const engine = new Engine();
const media = new MediaService();
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await media[Symbol.asyncDispose]();
});

const [width, height, bits] = [384, 256, 6];
const frames = 45;

/** Checks slowly, and draws each frame's number over it as bars from the left, black for 0 and white for 1. */
class CountingInspector implements ClipInspector {
  batches = 0;

  async checkPrompt(): Promise<void> {}
  async checkPicture(): Promise<void> {}

  watchFrames(clip: ConstructorParameters<typeof FrameWatch>[0]) {
    const watch = new FrameWatch(clip, () => sleep(80), Promise.resolve());
    let counted = 0;
    return {
      add: (rgb: Uint8Array): Promise<void> => {
        this.batches++;
        for (let offset = 0; offset < rgb.length; offset += width * height * 3) {
          drawNumber(rgb.subarray(offset, offset + width * height * 3), counted++);
        }
        return watch.add(rgb);
      },
      finish: () => watch.finish(),
    };
  }
}

function drawNumber(rgb: Uint8Array, number: number): void {
  for (let i = 0; i < rgb.length; i++) {
    const bit = Math.floor((((Math.floor(i / 3) % width) + 0.5) / width) * bits);
    rgb[i] = (number >> bit) & 1 ? 255 : 0;
  }
}

function readNumber(rgb: Uint8Array): number {
  const row = (height / 2) * width;
  const middles = Array.from({ length: bits }, (_, bit) => elementAt(rgb, 3 * (row + ((bit + 0.5) * width) / bits)));
  return middles.reduce((number, value, bit) => number + (value > 127 ? 1 << bit : 0), 0);
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-clip-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test.for([1, 6, 25, 60])('frames stay in order at %i fps, however slow the checks of some are', async (fps) => {
  const folder = await newFolder();
  const inspector = new CountingInspector();
  const settings = { ...plainSettings, audio: examplePath, videoSize: { width, height }, numFrames: frames, fps };
  const { file } = await generateClip(
    settings,
    weights,
    { engine, media },
    { output: join(folder, 'clip.mp4'), inspector },
  );
  const numbers: number[] = [];
  for await (const { rgb } of decodeVideoFrames(file.path)) numbers.push(readNumber(rgb));
  expect(inspector.batches).toBeGreaterThan(5);
  expect(numbers).toEqual(Array.from({ length: frames }, (_, index) => index));
});

test('the prompt is expanded in view of the first image where the encoder can see, and otherwise without it, with a note', async () => {
  const folder = await newFolder();
  const seeing = { ...weights, textEncoder: join(folder, 'seeing') };
  await writeSeeingEncoder(seeing.textEncoder);
  // The same, but for its eyes.
  const blind = { ...weights, textEncoder: join(folder, 'blind') };
  await cp(gemmaPath, blind.textEncoder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'])
    await copyFile(join(seeing.textEncoder, file), join(blind.textEncoder, file));
  const [red, blue] = [join(folder, 'red.png'), join(folder, 'blue.png')];
  for (const [path, background] of [
    [red, '#f00'],
    [blue, '#00f'],
  ] as const) {
    await sharp({ create: { width: 80, height: 48, channels: 3, background } })
      .png()
      .toFile(path);
  }
  const make = async (set: WeightSet, changes: Partial<ClipSettings>) => {
    const settings = { ...plainSettings, audio: examplePath, numFrames: 9, enablePromptExpansion: true, ...changes };
    const onNote = vi.fn<(note: string) => void>();
    const { plan } = await generateClip(settings, set, { engine, media }, { output: join(folder, 'clip.mp4'), onNote });
    return { prompt: plan.prompt, notes: onNote.mock.calls.flat().filter((note) => note.includes('prompt')) };
  };
  const seen = await make(seeing, { image: red });
  expect(seen.notes).toEqual([]);
  expect(await make(seeing, { image: red })).toEqual(seen);
  expect((await make(seeing, { image: blue })).prompt).not.toBe(seen.prompt);
  const unseen = await make(seeing, {});
  expect(unseen.notes).toEqual([]);
  expect(unseen.prompt).not.toBe(seen.prompt);
  expect(await make(seeing, { image: red, imageStrength: 0 })).toEqual(unseen);
  expect(await make(blind, { image: red })).toEqual({
    prompt: unseen.prompt,
    notes: ['the language model of tiny cannot see, so the prompt was expanded without the image'],
  });
});

test('a recording of one sample a second is refused before the engine begins', async () => {
  const folder = await newFolder();
  const [audio, output] = [join(folder, 'recording.wav'), join(folder, 'clip.mp4')];
  await writeToneWav(audio, 3, 1);
  for (const changes of [{ preprocessAudio: false }, { audioStrength: 0.5 }, { matchAudioLength: true }]) {
    const onProgress = vi.fn();
    const settings = { ...plainSettings, audio, ...changes };
    const making = generateClip(settings, weights, { engine, media }, { output, onProgress });
    await expect(making).rejects.toMatchObject({
      kind: 'input',
      field: 'audio',
      message: expect.stringMatching('sample rate of 1 Hz'),
    });
    expect(onProgress).not.toHaveBeenCalled();
  }
  expect(await readdir(folder)).toEqual(['recording.wav']);
});

test.each([1, 0.5])('the clip is open before the engine begins, at an audio strength of %f', async (audioStrength) => {
  const folder = await newFolder();
  const output = join(folder, 'clip.mp4');
  let openedFirst: boolean | undefined;
  await generateClip(
    { ...plainSettings, audio: examplePath, numFrames: 9, audioStrength },
    weights,
    { engine, media },
    {
      output,
      onProgress: () => {
        openedFirst ??= existsSync(`${output}.partial`);
      },
    },
  );
  expect(openedFirst).toBe(true);
  const { audio } = await media.probe(output);
  expect(audio?.duration).toBeGreaterThan(0.3);
  expect(await readdir(folder)).toEqual(['clip.mp4']);
});
