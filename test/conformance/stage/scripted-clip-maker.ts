import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Input } from '../../../src/contract/input/input.ts';
import { videoSizePresets } from '../../../src/contract/input/presets.ts';
import type { ClipMaker, ClipMakerContext, ClipRequest, MadeClip, PreparedClip } from '../../../src/jobs/clip-maker.ts';
import { withoutInputs } from '../../../src/jobs/jobs.test-support.ts';
import { SoundstageError } from '../../../src/shared/errors.ts';

/** Log lines of a clip whose prompt begins with `Narrate`; not ASCII on purpose. */
export const narration = Object.freeze(['première étape', '第二步', 'third step 🎬', 'fourth step']);

/**
 * Does what the prompt's first word says, without a model: `Hold` waits to be released, `Crash` ends as the engine does
 * when it dies, `Break` as a bug does, `Narrate` logs now and then. Anything else is made at once. The file is no video,
 * but is described as the one that was asked for.
 */
export class ScriptedClipMaker implements ClipMaker {
  /** Ids in the order they were started, again for every attempt. */
  readonly started: string[] = [];
  /** Ids whose work was ended from outside. */
  readonly aborted: string[] = [];
  readonly #held = new Map<string, () => void>();

  async prepare(request: ClipRequest, context: ClipMakerContext): Promise<PreparedClip> {
    return withoutInputs(() => this.#make(request, context));
  }

  async probe(): Promise<void> {}

  async #make(request: ClipRequest, context: ClipMakerContext): Promise<MadeClip> {
    const { id, input } = request;
    this.started.push(id);
    context.log('INFO', `making ${input.prompt}`);
    await this.#perform(request, context);
    if (context.signal.aborted) {
      this.aborted.push(id);
      throw new SoundstageError('cancelled', 'cancelled');
    }
    const file = await writtenClip(input, context.folder);
    return { file, seed: input.seed ?? 7, prompt: input.prompt };
  }

  /** Lets one held clip be finished, or all of them. */
  release(id?: string): void {
    const released = id === undefined ? [...this.#held.values()] : [this.#held.get(id)];
    for (const resolve of released) resolve?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  async #perform({ id, input }: ClipRequest, { signal, log }: ClipMakerContext): Promise<void> {
    switch (input.prompt.split(' ', 1)[0]) {
      case 'Hold':
        return await this.#hold(id, signal);
      case 'Crash':
        throw new SoundstageError('crash', 'the engine ended unexpectedly');
      case 'Break':
        throw new TypeError('undefined is not a function');
      case 'Narrate':
        for (const line of narration) {
          log('INFO', line);
          await sleep(300);
        }
    }
  }

  async #hold(id: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#held.set(id, resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#held.delete(id);
  }
}

async function writtenClip(input: Input, folder: string): Promise<MadeClip['file']> {
  const { video_size: asked } = input;
  const size = typeof asked === 'object' ? asked : videoSizePresets[asked === 'auto' ? 'landscape_4_3' : asked];
  const path = join(folder, 'clip.mp4');
  const bytes = Buffer.from(`clip of ${input.prompt}`);
  await writeFile(path, bytes);
  return {
    path,
    contentType: 'video/mp4',
    fileSize: bytes.length,
    width: size.width,
    height: size.height,
    fps: { num: 25, den: 1 },
    frames: input.num_frames,
    duration: input.num_frames / 25,
  };
}
