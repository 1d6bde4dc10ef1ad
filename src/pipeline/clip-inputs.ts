import { totalmem } from 'node:os';
import { configSection, openCheckpoint } from '../ltx2/checkpoint.ts';
import { parseConfig } from '../ltx2/config.ts';
import { schedulesOf } from '../ltx2/schedule.ts';
import type { MediaService, Picture } from '../media/media-service.ts';
import { preprocessConditioningAudio } from '../media/sound/conditioning-audio.ts';
import { toStereo } from '../media/sound/stereo.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import type { ClipInspector } from './clip-inspector.ts';
import type { ClipSettings } from './clip-settings.ts';
import type { EngineInputs } from './engine-messages.ts';
import { createPlan, type Plan } from './plan.ts';

/** Rate factor of the H.264 round trip that conditioning images take (reference default for this model). */
const imageRateFactor = 33;

export interface PreparedClip {
  readonly plan: Plan;
  readonly inputs: EngineInputs;
  /** Decisions the user should hear about. */
  readonly notes: readonly string[];
}

export interface PrepareOptions {
  readonly signal?: AbortSignal | undefined;
  /** Looks at the images as they were given. */
  readonly inspector?: Pick<ClipInspector, 'checkPicture'> | undefined;
}

/** Decodes the recording and the images, and plans the clip. */
export async function prepareClip(
  settings: ClipSettings,
  weights: WeightSet,
  media: MediaService,
  options: PrepareOptions = {},
): Promise<PreparedClip> {
  const { signal } = options;
  const sound = await media.decodeAudio(settings.audio, { field: 'audio', signal });
  const notes: string[] = [];
  const firstImage = await readImage(media, settings.image, 'image', notes, options);
  const endImage = await readImage(media, settings.endImage, 'end_image', notes, options);
  const bundle = await openCheckpoint(weights.bundle);
  const facts = {
    audioSeconds: sound.duration,
    firstImage,
    decoder: parseConfig('vae', configSection(bundle, 'vae'), bundle.path),
    schedules: schedulesOf(bundle),
    decodeMemory: settings.device === 'cpu' ? decodeMemory() : undefined,
  };
  const { plan, notes: planNotes } = createPlan(settings, facts, weights);
  const { sampleRate } = sound;
  const stereo = toStereo(sound.waveform, sound.channels, sound.channelMask);
  const seconds = plan.modelFrames / plan.fps;
  const waveform = settings.preprocessAudio ? preprocessConditioningAudio(stereo, sampleRate, { seconds }) : stereo;
  return { plan, notes: [...notes, ...planNotes], inputs: { audio: { sampleRate, waveform }, firstImage, endImage } };
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
  { signal, inspector }: PrepareOptions,
): Promise<Picture | undefined> {
  if (path === undefined) return undefined;
  const { isCutOff, ...picture } = await media.decodeImage(path, { field, signal });
  if (isCutOff) notes.push(`the ${field} is cut off: it is used as it is, blank or coarse where its end is missing`);
  await inspector?.checkPicture(picture, field);
  return media.h264RoundTrip(picture, imageRateFactor, { signal });
}
