import { totalmem } from 'node:os';
import { join } from 'node:path';
import { graphTargets } from '../graph/graph-target.ts';
import { networkGraph } from '../graph/network.ts';
import { openCheckpoint } from '../graph/weights/checkpoint.ts';
import { configOf } from '../ltx2/config.ts';
import { schedulesOf } from '../ltx2/sampling/schedule.ts';
import { videoDecoder } from '../ltx2/video/video-decoder.ts';
import type { MediaService } from '../media/media-service.ts';
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
  /** The first image as it was given, without the compression that conditioning images take. */
  readonly givenImage: PictureFile | undefined;
  /** Where the engine puts sound that it makes. */
  readonly generatedSound: SoundFile;
  /** Decisions the user should hear about. */
  readonly notes: readonly string[];
}

export interface PrepareOptions {
  /** Where the decoded recording and pictures go, for the engine to read. The caller deletes it. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  /** Looks at the images as they were given. */
  readonly inspector?: Pick<ClipInspector, 'checkPicture'> | undefined;
}

/** Decodes the recording and the images, and plans the clip. */
export async function prepareClip(
  settings: ClipSettings,
  weights: WeightSet,
  media: MediaService,
  options: PrepareOptions,
): Promise<PlannedClip> {
  const { folder, signal } = options;
  const audio = await media.decodeSound(settings.audio, {
    field: 'audio',
    output: join(folder, 'recording.f32'),
    maxSeconds: maxSeconds(settings) + lookAhead,
    signal,
  });
  const notes: string[] = [];
  const firstImage = await readImage(media, settings.image, 'image', notes, options);
  const endImage = await readImage(media, settings.endImage, 'end_image', notes, options);
  const bundle = await openCheckpoint(weights.bundle);
  const facts = {
    audioSeconds: audio.duration,
    audioGoesOn: audio.isCut,
    firstImage: firstImage?.compressed,
    decoder: networkGraph(videoDecoder, graphTargets[settings.device], bundle, configOf(bundle, 'vae')),
    schedules: schedulesOf(bundle),
    decodeMemory: graphTargets[settings.device].hasOwnMemory ? undefined : decodeMemory(),
  };
  const { plan, notes: planNotes } = createPlan(settings, facts, weights);
  if (settings.preprocessAudio) await media.conditionSound(audio, plan.modelFrames / plan.fps, { signal });
  const vocoder = configOf(bundle, 'vocoder');
  const generatedSound: SoundFile = {
    path: join(folder, 'generated.f32'),
    sampleRate: vocoder.output_sampling_rate,
    channels: 2,
  };
  const inputs = {
    audio,
    firstImage: firstImage?.compressed,
    endImage: endImage?.compressed,
    generatedSound: generatedSound.path,
  };
  return { plan, notes: [...notes, ...planNotes], inputs, givenImage: firstImage?.given, generatedSound };
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
): Promise<{ readonly given: PictureFile; readonly compressed: PictureFile } | undefined> {
  if (path === undefined) return undefined;
  const given = await media.decodeImage(path, { field, signal, output: join(folder, `${field}.rgb`) });
  if (given.isCutOff) {
    notes.push(`the ${field} is cut off: it is used as it is, blank or coarse where its end is missing`);
  }
  await inspector?.checkPicture(given, field);
  const output = join(folder, `${field}-h264.rgb`);
  return { given, compressed: await media.h264RoundTrip(given, output, imageRateFactor, { signal }) };
}
