import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClipMaker, ClipMakerContext, ClipRequest, MadeClip, PreparedClip } from '../../src/jobs/clip-maker.ts';
import { withoutInputs } from '../../src/jobs/jobs.test-support.ts';
import { MediaService } from '../../src/media/media-service.ts';
import { writeSoundFile } from '../../src/media/raw/sound-file.ts';
import { smallClip } from '../support/endpoint.ts';

const { width, height } = smallClip.video_size;
const fps = 25;
const sampleRate = 16_000;

/**
 * Makes a real clip of the smallest size in a time that a test decides, without fetching anything: for tests that are not
 * about the model.
 */
export class ControlledClipMaker implements ClipMaker {
  readonly #media = new MediaService();
  readonly #milliseconds: number;

  constructor(milliseconds = 0) {
    this.#milliseconds = milliseconds;
  }

  async prepare(request: ClipRequest, context: ClipMakerContext): Promise<PreparedClip> {
    return withoutInputs(() => this.#make(request, context));
  }

  async probe(): Promise<void> {}

  async #make({ input }: ClipRequest, { folder, signal, log }: ClipMakerContext): Promise<MadeClip> {
    log('INFO', 'denoising 1/2');
    await wait(this.#milliseconds, undefined, { signal });
    log('INFO', 'denoising 2/2');
    const audio = { source: 'pcm', path: join(folder, 'tone'), sampleRate, channels: 1 } as const;
    await writeSoundFile(audio.path, { waveform: tone(), sampleRate, channels: 1 });
    await using encoder = await this.#media.openEncoder(
      {
        path: join(folder, 'clip.mp4'),
        type: 'X264 (.mp4)',
        quality: 'high',
        writeMode: 'fast',
        width,
        height,
        fps,
        audio,
      },
      signal,
    );
    for (let frame = 0; frame < smallClip.num_frames; frame += 1) {
      await encoder.write(new Uint8Array(width * height * 3).fill(frame * 20));
    }
    return { file: await encoder.finish(), seed: input.seed ?? 1, prompt: input.prompt };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#media[Symbol.asyncDispose]();
  }
}

function tone(): Float32Array {
  const samples = new Float32Array((smallClip.num_frames / fps) * sampleRate);
  return samples.map((_, index) => 0.5 * Math.sin((2 * Math.PI * 440 * index) / sampleRate));
}
