import { totalmem } from 'node:os';
import { join } from 'node:path';
import { graphTargets } from '../graph/graph-target.ts';
import { networkGraph } from '../graph/network.ts';
import { openCheckpoint } from '../graph/weights/checkpoint.ts';
import { configOf } from '../ltx2/config.ts';
import { schedulesOf } from '../ltx2/sampling/schedule.ts';
import { videoDecoder } from '../ltx2/video/video-decoder.ts';
import type { MediaService } from '../media/media-service.ts';
import type { FramesFile } from '../media/raw/frames-file.ts';
import type { PictureFile } from '../media/raw/picture-file.ts';
import type { SoundFile } from '../media/raw/sound-file.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import type { ClipInspector } from './clip-inspector.ts';
import type { EngineInputs } from './engine/engine-messages.ts';
import { type ClipSettings, createPlan, maxSeconds, type Plan } from './plan/plan.ts';

/** Seconds of sound decoded beyond the clip: its encoder looks a little ahead, and is not to meet what nobody has tried. */
const lookAhead = 1;
/** Rate factor of the H.264 round trip that conditioning images take (reference default for this model). */
const imageRateFactor = 33;

export interface PlannedClip {
  readonly plan: Plan;
  readonly inputs: EngineInputs;
  /** Where the engine puts sound that it makes. */
  readonly generatedSound: SoundFile;
  /** Decisions the user should hear about. */
  readonly notes: readonly string[];
}

/** The images of a clip, decoded. */
export interface ClipImages {
  readonly first: ClipImage | undefined;
  readonly end: ClipImage | undefined;
  readonly anchor: ClipImage | undefined;
  /** Frames of other clips of a film. They come from the model, and are used as they are. */
  readonly continued: FramesFile | undefined;
  readonly next: FramesFile | undefined;
  /** Decisions the user should hear about. */
  readonly notes: readonly string[];
}

interface ClipImage {
  readonly given: PictureFile;
  /** With the compression that conditioning images take. */
  readonly compressed: PictureFile;
}

export interface PrepareOptions {
  /** Where the decoded recording and pictures go, for the engine to read. The caller deletes it. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  /** Looks at the images as they were given. */
  readonly inspector?: Pick<ClipInspector, 'checkPicture'> | undefined;
}

/** Decodes the images. */
export async function decodeImages(
  settings: ClipSettings,
  media: MediaService,
  options: PrepareOptions,
): Promise<ClipImages> {
  const notes: string[] = [];
  const first = await readImage(media, settings.image, 'image', notes, options);
  const end = await readImage(media, settings.endImage, 'end_image', notes, options);
  const anchor = await readImage(media, settings.anchor, 'anchor', notes, options);
  const { continuation: before, next: after } = settings;
  const stored = (video: string, range: { first: number; count: number }, name: string): Promise<FramesFile> =>
    media.storedFrames({ path: video, ...range, output: join(options.folder, `${name}.rgb`) }, options);
  const continued = before && (await stored(before.video, { first: before.first, count: before.frames }, 'continued'));
  const next = after === undefined ? undefined : await stored(after, { first: 0, count: 1 }, 'next');
  return { first, end, anchor, continued, next, notes };
}

/** Decodes the recording, and plans the clip. */
export async function prepareClip(
  settings: ClipSettings,
  images: ClipImages,
  weights: WeightSet,
  media: MediaService,
  { folder, signal }: Pick<PrepareOptions, 'folder' | 'signal'>,
): Promise<PlannedClip> {
  const audio = await media.decodeSound(settings.audio, {
    field: 'audio',
    output: join(folder, 'recording.f32'),
    start: settings.audioStart,
    maxSeconds: maxSeconds(settings) + lookAhead,
    signal,
  });
  const bundle = await openCheckpoint(weights.bundle);
  const facts = {
    audioSeconds: audio.duration,
    audioGoesOn: audio.isCut,
    firstImage: images.first?.compressed,
    decoder: networkGraph(videoDecoder, graphTargets[settings.device], bundle, configOf(bundle, 'vae')),
    schedules: schedulesOf(bundle),
    decodeMemory: graphTargets[settings.device].hasOwnMemory ? undefined : decodeMemory(),
  };
  const { plan, notes } = createPlan(settings, facts, weights);
  if (settings.preprocessAudio) await media.conditionSound(audio, plan.modelFrames / plan.fps, { signal });
  const vocoder = configOf(bundle, 'vocoder');
  const generatedSound: SoundFile = {
    path: join(folder, 'generated.f32'),
    sampleRate: vocoder.output_sampling_rate,
    channels: 2,
  };
  const inputs = {
    audio,
    firstImage: images.first?.compressed,
    endImage: images.end?.compressed,
    anchor: images.anchor?.compressed,
    continued: images.continued,
    next: images.next,
    generatedSound: generatedSound.path,
  };
  return { plan, notes: [...images.notes, ...notes], inputs, generatedSound };
}

/**
 * A sixth of the machine's memory, 1.5 to 8 GB: enough for tiles that overlap little, and the rest stays for weights and
 * everything else. Not what happens to be free, so that equal requests get equal plans.
 */
function decodeMemory(): number {
  return Math.min(8e9, Math.max(1.5e9, totalmem() / 6));
}

async function readImage(
  media: MediaService,
  path: string | undefined,
  field: string,
  notes: string[],
  { folder, signal, inspector }: PrepareOptions,
): Promise<ClipImage | undefined> {
  if (path === undefined) return undefined;
  const given = await media.decodeImage(path, { field, signal, output: join(folder, `${field}.rgb`) });
  if (given.isCutOff) {
    notes.push(`the ${field} is cut off: it is used as it is, blank or coarse where its end is missing`);
  }
  await inspector?.checkPicture(given, field);
  const output = join(folder, `${field}-h264.rgb`);
  return { given, compressed: await media.h264RoundTrip(given, output, imageRateFactor, { signal }) };
}
