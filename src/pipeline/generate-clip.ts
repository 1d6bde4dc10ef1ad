import { stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { configSection, openCheckpoint } from '../ltx2/checkpoint.ts';
import { parseConfig } from '../ltx2/config.ts';
import type { MediaService, Picture } from '../media/media-service.ts';
import { preprocessConditioningAudio } from '../media/sound/conditioning-audio.ts';
import { toStereo } from '../media/sound/stereo.ts';
import type { VideoEncoder, VideoFile } from '../media/video-encoder.ts';
import type { AudioSource } from '../media/video-settings.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { ClipSettings } from './clip-settings.ts';
import type { Engine } from './engine.ts';
import type { EngineInputs, EngineReport, Preview, Progress } from './engine-messages.ts';
import { FrameQueue } from './frame-queue.ts';
import { createPlan, type Plan } from './plan.ts';

/** Rate factor of the H.264 round trip that conditioning images take (reference default for this model). */
const imageRateFactor = 33;

/** The decoder network delivers frames in bursts, which wait here while it works on the next tiles. */
const queuedBytes = 256 * 2 ** 20;

export interface ClipServices {
  readonly engine: Engine;
  readonly media: MediaService;
}

export interface ClipOptions {
  /** Where the clip goes; its folder must exist. */
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onPreview?: ((preview: Preview) => void | Promise<void>) | undefined;
  /** Decisions the user should hear about, e.g. a clamped length. */
  readonly onNote?: ((note: string) => void) | undefined;
}

export interface Clip {
  readonly file: VideoFile;
  readonly plan: Plan;
  readonly report: EngineReport;
  /** Wall time from the call to the finished file. */
  readonly seconds: number;
}

/**
 * Makes one clip: decodes the inputs, plans, runs the engine, and encodes the frames as they come. Leaves either the
 * finished file or none.
 *
 * @throws SoundstageError `input` naming the field at fault, `weights`, `device`, `cancelled`, `crash`
 */
export async function generateClip(
  settings: ClipSettings,
  weights: WeightSet,
  { engine, media }: ClipServices,
  options: ClipOptions,
): Promise<Clip> {
  const started = performance.now();
  const { signal } = options;
  await requireFolder(options.output);
  const sound = await media.decodeAudio(settings.audio, { field: 'audio', signal });
  const firstImage = await readImage(media, settings.image, 'image', signal);
  const endImage = await readImage(media, settings.endImage, 'end_image', signal);
  const prompt = settings.expandPrompt ? await expandedPrompt(settings, weights, engine, options) : settings.prompt;
  const bundle = await openCheckpoint(weights.bundle);
  const facts = {
    audioSeconds: sound.duration,
    firstImage,
    decoder: parseConfig('vae', configSection(bundle, 'vae'), bundle.path),
    decodeMemory: settings.device === 'cpu' ? decodeMemory() : undefined,
  };
  const { plan, notes } = createPlan({ ...settings, prompt }, facts, weights);
  for (const note of notes) options.onNote?.(note);

  const stereo = toStereo(sound.waveform, sound.channels, sound.channelMask);
  const clipSeconds = plan.modelFrames / plan.fps;
  const inputs: EngineInputs = {
    audio: {
      sampleRate: sound.sampleRate,
      waveform: settings.preprocessAudio
        ? preprocessConditioningAudio(stereo, sound.sampleRate, { seconds: clipSeconds })
        : stereo,
    },
    firstImage,
    endImage,
  };
  let encoder: VideoEncoder | undefined;
  const openEncoder = async (audio: AudioSource): Promise<VideoEncoder> =>
    media.openEncoder(
      {
        path: options.output,
        type: settings.videoOutputType,
        quality: settings.videoQuality,
        writeMode: settings.videoWriteMode,
        width: plan.crop.width,
        height: plan.crop.height,
        fps: plan.fps,
        audio,
      },
      signal,
    );
  const recording: AudioSource = { source: 'file', path: settings.audio };
  const queue = new FrameQueue(queuedBytes, async (frames) => encoder?.write(frames));
  try {
    if (plan.audioStrength === 1) encoder = await openEncoder(recording);
    const report = await engine.generate(plan, inputs, {
      signal,
      previews: options.onPreview !== undefined,
      onEvent: async (event) => {
        if (event.type === 'progress') options.onProgress?.(event);
        else if (event.type === 'preview') await options.onPreview?.(event);
        else if (event.type === 'sound') encoder = await openEncoder({ source: 'pcm', ...event, channels: 2 });
        else await queue.add(event.rgb);
      },
    });
    await queue.drain();
    if (encoder === undefined) throw new Error('the engine made no sound');
    const file = await encoder.finish();
    return { file, plan, report, seconds: (performance.now() - started) / 1000 };
  } finally {
    await encoder?.abort();
  }
}

/**
 * A sixth of the machine's memory, 1.5 to 8 GB: enough for tiles that overlap little, and the rest stays for weights and
 * everything else. Not what happens to be free, so that equal requests get equal plans.
 */
function decodeMemory(): number {
  return Math.min(8e9, Math.max(1.5e9, totalmem() / 6));
}

async function expandedPrompt(
  { prompt, device, seed }: ClipSettings,
  weights: WeightSet,
  engine: Engine,
  { signal, onNote }: ClipOptions,
): Promise<string> {
  const expanded = await engine.expandPrompt({ weights, device, prompt, seed }, { signal });
  if (expanded === undefined) onNote?.(`${weights.id} has no chat model, so the prompt is used as it is`);
  return expanded ?? prompt;
}

async function readImage(
  media: MediaService,
  path: string | undefined,
  field: string,
  signal: AbortSignal | undefined,
): Promise<Picture | undefined> {
  if (path === undefined) return undefined;
  const picture = await media.decodeImage(path, { field, signal });
  return media.h264RoundTrip(picture, imageRateFactor, { signal });
}

async function requireFolder(output: string): Promise<void> {
  const folder = dirname(output);
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new SoundstageError('input', `the folder ${folder} for the output does not exist; create it first`, {
    field: 'output',
  });
}
