import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { plainSettings } from '../../test/support/clip-settings.ts';
import { writeToneWav } from '../../test/support/media/sound-files.ts';
import { tinyWeights as weights } from '../../test/support/parity-checkpoint.ts';
import { MediaService } from '../media/media-service.ts';
import { decodeVideoFrames } from '../media/native/decode/video-frames.ts';
import { FrameWatch } from '../safety/pictures/frame-watch.ts';
import { elementAt } from '../shared/element-at.ts';
import type { ClipInspector } from './clip-inspector.ts';
import { Engine } from './engine/engine.ts';
import { generateClip } from './generate-clip.ts';

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
