import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { audioToVideoLora } from '../src/contract/endpoints/audio-to-video-lora.ts';
import { type ClipFiles, clipSettings } from '../src/contract/input/clip-settings.ts';
import { type InputWithLoras, parseInput } from '../src/contract/input/input.ts';
import type { DeviceKind, Precision } from '../src/graph/graph-target.ts';
import { MediaService } from '../src/media/media-service.ts';
import { decodeVideoFrames } from '../src/media/native/decode/video-frames.ts';
import { resolveWeights } from '../src/models/resolve-weights.ts';
import type { WeightSet } from '../src/models/weight-folder.ts';
import { Engine } from '../src/pipeline/engine/engine.ts';
import { generateClip } from '../src/pipeline/generate-clip.ts';
import type { Footage, Picture } from './footage.ts';
import { monoSound } from './sounds/mono-sound.ts';

/** A request: the endpoint's fields, as far as they differ from what every measured clip has. */
export type ClipRequest = Partial<Record<keyof InputWithLoras, unknown>> & {
  readonly prompt: string;
  readonly audio_url: string;
};

/** A finished clip, read back from its file. */
export interface Take {
  readonly footage: Footage;
  /** The file's sound, one channel at 16 kHz, where it was asked for. */
  readonly sound: Float32Array | undefined;
  /** From the request to the finished file. */
  readonly seconds: number;
}

export interface StudioOptions {
  /** An id of the registry or a folder, as `generate --model` takes it. */
  readonly model: string;
  /** Default `exact`. */
  readonly precision?: Precision;
  readonly signal: AbortSignal;
}

/** Prompts are taken as they are, so that what is measured is what was asked. */
const plain = {
  match_audio_length: false,
  num_frames: 41,
  fps: 24,
  video_size: { width: 256, height: 256 },
  enable_prompt_expansion: false,
  enable_safety_checker: false,
  video_write_mode: 'fast',
  loras: [],
  seed: 1,
} as const;

/** Makes clips the way `generate` does: validated requests, one engine for all of them, files that are read back. */
export class Studio implements AsyncDisposable {
  readonly weights: WeightSet;
  readonly media = new MediaService();
  /** For files that are needed while the studio is open. */
  readonly folder: string;
  readonly device: DeviceKind = 'cpu';
  readonly signal: AbortSignal;
  readonly #precision: Precision | undefined;
  readonly #engine = new Engine();
  #clips = 0;

  private constructor(weights: WeightSet, folder: string, { precision, signal }: StudioOptions) {
    this.weights = weights;
    this.folder = folder;
    this.signal = signal;
    this.#precision = precision;
  }

  static async open(options: StudioOptions): Promise<Studio> {
    const weights = await resolveWeights(options.model);
    return new Studio(weights, await mkdtemp(join(tmpdir(), 'soundstage-eval-')), options);
  }

  /** @throws SoundstageError as `generateClip` */
  async make(request: ClipRequest, options: { readonly withSound?: boolean } = {}): Promise<Take> {
    const input = parseInput({ ...plain, ...request }, audioToVideoLora);
    const { seed = plain.seed } = input;
    const settings = clipSettings(input, this.#files(input), { seed, device: this.device, precision: this.#precision });
    const output = join(this.folder, `clip-${this.#clips++}.mp4`);
    const services = { engine: this.#engine, media: this.media };
    const { file, seconds } = await generateClip(settings, this.weights, services, { output, signal: this.signal });
    const frames: Picture[] = [];
    for await (const { width, height, rgb } of decodeVideoFrames(file.path)) frames.push({ width, height, rgb });
    const sound = options.withSound ? await monoSound(this.media, file.path) : undefined;
    await rm(file.path);
    return { footage: { fps: input.fps, frames }, sound, seconds };
  }

  /** Keeps a picture as a file that requests can name. */
  async keepPicture(name: string, { rgb, width, height }: Picture): Promise<string> {
    const path = join(this.folder, `${name}.png`);
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(path);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
    await this.media[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }

  #files(input: InputWithLoras): ClipFiles {
    const camera = input.camera_lora;
    return {
      audio: input.audio_url,
      image: input.image_url,
      endImage: input.end_image_url,
      cameraLora: camera === 'none' ? undefined : this.weights.cameraLoras[camera],
      loras: input.loras.map(({ path, scale }) => ({ path, scale })),
    };
  }
}
