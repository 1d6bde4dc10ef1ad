import { mkdtemp, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MediaService } from '../media/media-service.ts';
import type { PictureFile } from '../media/raw/picture-file.ts';
import type { VideoFile } from '../media/video-encoder.ts';
import { type AudioSource, losslessVideo, type VideoEncoderSettings, videoFormat } from '../media/video-settings.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import { SoundstageError } from '../shared/errors.ts';
import { decodeImages, type PlannedClip, prepareClip } from './clip-inputs.ts';
import type { ClipInspector, FrameInspector } from './clip-inspector.ts';
import { ClipWriter } from './clip-writer.ts';
import type { Engine } from './engine/engine.ts';
import type { EngineEvent, EngineReport, Preview, Progress } from './engine/engine-messages.ts';
import type { ClipSettings, Plan } from './plan/plan.ts';
import { checkLoras } from './usable-lora.ts';

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
  /** Sees prompt, images and frames, and may refuse them. */
  readonly inspector?: ClipInspector | undefined;
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
  const { signal, onNote, inspector } = options;
  await requireFolder(options.output);
  await checkLoras(settings.loras, weights.bundle);
  engine.start();
  await inspector?.checkPrompt(settings.prompt);
  await using work = await temporaryFolder(options.output);
  const preparing = { ...options, folder: work.path };
  const images = await decodeImages(settings, media, preparing);
  const prepared = await prepareClip(settings, images, weights, media, preparing);
  const { inputs, notes } = prepared;
  for (const note of [...notes, ...notesOnSize(prepared.plan, settings)]) onNote?.(note);
  const plan = settings.enablePromptExpansion
    ? await expandPrompt(prepared, images.first?.given, weights, engine, options)
    : prepared.plan;

  await using writer = await ClipWriter.open(media, encoderSettings(settings, prepared, options.output), signal);
  const { width, height } = plan.crop;
  const frames = inspector?.watchFrames({ width, height, frames: plan.frames - plan.continuedFrames, fps: plan.fps });
  const report = await engine.generate(plan, inputs, {
    signal,
    previews: options.onPreview !== undefined,
    onEvent: (event) => handle(event, writer, frames, options),
  });
  await frames?.finish();
  const file = await writer.finish();
  return { file, plan, report, seconds: (performance.now() - started) / 1000 };
}

async function handle(
  event: EngineEvent,
  writer: ClipWriter,
  frames: FrameInspector | undefined,
  options: ClipOptions,
): Promise<void> {
  switch (event.type) {
    case 'progress':
      return options.onProgress?.(event);
    case 'preview':
      return options.onPreview?.(event);
    case 'note':
      return options.onNote?.(event.text);
    case 'frames':
      await frames?.add(event.rgb);
      return writer.write(event.rgb);
  }
}

function encoderSettings(
  settings: ClipSettings,
  { plan: { crop, fps, audioStrength }, generatedSound }: PlannedClip,
  path: string,
): VideoEncoderSettings {
  const { videoOutputType: type, videoQuality: quality, videoWriteMode: writeMode } = settings;
  // The recording itself goes into the file, unless the model is to change it.
  const audio: AudioSource | undefined =
    type === losslessVideo
      ? undefined
      : audioStrength === 1
        ? { source: 'file', path: settings.audio }
        : { source: 'pcm', ...generatedSound };
  return { path, type, quality, writeMode, width: crop.width, height: crop.height, fps, audio };
}

interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** A folder for decoded media beside the clip, where there is room for files of that size. */
async function temporaryFolder(output: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(dirname(output), '.soundstage-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The plan with its prompt in more words, where the language model finds some. */
async function expandPrompt(
  { plan, inputs }: PlannedClip,
  givenImage: PictureFile | undefined,
  weights: WeightSet,
  engine: Engine,
  { signal, onNote, inspector }: ClipOptions,
): Promise<Plan> {
  // An image without strength is not in the clip.
  const image = plan.imageStrength === 0 ? undefined : givenImage;
  const expanded = await engine.expandPrompt({ plan, inputs, image }, { signal });
  if (expanded === undefined) {
    onNote?.(`${weights.id} has no chat model, so the prompt is used as it is`);
    return plan;
  }
  if (image !== undefined && !expanded.sawImage) {
    onNote?.(`the language model of ${weights.id} cannot see, so the prompt was expanded without the image`);
  }
  if (expanded.device !== plan.device) {
    onNote?.(`the language model does not fit into the GPU's memory, so the prompt was expanded on ${expanded.device}`);
  }
  await inspector?.checkPrompt(expanded.text);
  return Object.freeze({ ...plan, prompt: expanded.text });
}

function notesOnSize({ crop: { width, height } }: Plan, { videoOutputType: type }: ClipSettings): readonly string[] {
  const isOdd = width % 2 === 1 || height % 2 === 1;
  if (!isOdd || !videoFormat(type).hasEvenSides) return [];
  const delivered = `${width + (width % 2)}×${height + (height % 2)}`;
  return [`the clip is ${delivered} instead of ${width}×${height}: the sides of ${type} have to be even`];
}

async function requireFolder(output: string): Promise<void> {
  const folder = dirname(output);
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new SoundstageError('input', `the folder ${folder} for the output does not exist; create it first`, {
    field: 'output',
  });
}
