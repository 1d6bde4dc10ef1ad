import { type VideoSizePreset, videoSizePresets } from '../../src/contract/input/presets.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import { type Footage, type Picture, spacedFrames } from '../footage.ts';
import { type Attribute, askedAttributes } from '../measures/attributes/asked-attributes.ts';
import { barArea, objectSize } from '../measures/attributes/object-size.ts';
import { reducedPicture } from '../measures/edges/reduced-picture.ts';
import { mouthOpening } from '../measures/faces/mouth-opening.ts';
import { loudnessPerFrame } from '../measures/motion/loudness.ts';
import type { RowContext } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { Sound } from '../sounds/sound-library.ts';
import { type Omission, promptFor } from '../world/prompt.ts';
import { randomScene, randomShapes, type Scene, type Speaker } from '../world/scene.ts';

/** What was measured of one clip of the survey. */
export interface SurveyClip {
  readonly scene: Scene;
  readonly prompt: string;
  readonly attributes: readonly Attribute[];
  readonly sound: Sound;
  /** Name of a preset, or width and height. */
  readonly size: string;
  readonly frames: number;
  readonly fps: number;
  /** Mouth opening, size or bar area per frame. */
  readonly movement: readonly number[];
  readonly loudness: readonly number[];
  /** Six of its frames, not larger than a contact sheet needs. */
  readonly pictures: readonly Picture[];
}

interface Form {
  /** A preset's name, or e.g. `640×640`. */
  readonly size: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}

/** Every preset of the contract and sizes between them; the larger, the shorter, so that all of it stays affordable. */
const usualForms: readonly Form[] = [
  sized(256, 256, 49, 25),
  preset('landscape_4_3', 25, 24),
  sized(512, 384, 41, 24),
  preset('square_hd', 25, 25),
  sized(384, 512, 41, 25),
  preset('square', 33, 24),
  preset('portrait_16_9', 25, 25),
  sized(640, 640, 33, 25),
  sized(256, 256, 65, 15),
  preset('portrait_4_3', 25, 25),
  sized(320, 256, 57, 24),
  preset('landscape_16_9', 25, 24),
  sized(768, 576, 25, 24),
];

/** The corners of what can be asked for, by number of the clip. */
const unusualForms: ReadonlyMap<number, Form> = new Map([
  [4, sized(320, 256, 41, 12)],
  [9, sized(512, 384, 41, 12)],
  [14, sized(256, 320, 41, 10)],
  [19, sized(256, 256, 121, 60)],
  [24, sized(512, 384, 33, 10)],
  [29, sized(256, 256, 9, 8)],
  [34, sized(192, 192, 481, 24)],
  [39, preset('landscape_4_3', 25, 8)],
  [44, sized(300, 260, 50, 23.976)],
]);

/** Clips from the first on follow a sound, later ones are only asked for what they show. */
export const followingClips = 50;
const stillForms: readonly Form[] = [
  sized(256, 256, 17, 12),
  preset('landscape_4_3', 9, 25),
  sized(512, 384, 17, 12),
  preset('square_hd', 9, 25),
  sized(320, 256, 17, 12),
  preset('portrait_4_3', 9, 25),
  sized(640, 640, 17, 24),
  preset('square', 17, 24),
  preset('landscape_16_9', 9, 25),
  sized(768, 576, 9, 24),
  preset('portrait_16_9', 9, 25),
];

/** Pixels of the shorter side, at least: pictures of a whole survey at full size would need gigabytes. */
const sheetSide = 192;

const made = new WeakMap<RowContext['studio'], Map<number, SurveyClip>>();

/** Clips `0…count−1`, made when they are first asked for: several rows measure the same ones. */
export async function surveyClips(count: number, context: RowContext): Promise<SurveyClip[]> {
  const known = made.get(context.studio) ?? new Map<number, SurveyClip>();
  made.set(context.studio, known);
  const clips: SurveyClip[] = [];
  for (let index = 0; index < count; index++) {
    if (!known.has(index)) context.step(`clip ${index + 1} of ${count}`);
    const clip = known.get(index) ?? (await makeClip(index, context));
    known.set(index, clip);
    clips.push(clip);
  }
  return clips;
}

async function makeClip(index: number, { studio, sounds }: RowContext): Promise<SurveyClip> {
  const follows = index < followingClips;
  const random = new SeededRandom(7000 + index);
  const scene = follows ? followingScene(index, random) : askedScene(index, random);
  const omitted = new Set<Omission>(follows ? [] : leftOut(random));
  const prompt = promptFor(scene, random, omitted);
  const form = formOf(index);
  const { size, frames, fps } = form;
  const sound = index % 50 === 13 ? await sounds.hello() : await sounds.sound(index, form);
  const { footage } = await studio.make({
    prompt,
    audio_url: sound.path,
    num_frames: frames,
    fps,
    video_size: { width: form.width, height: form.height },
    seed: 100 + index,
  });
  return {
    scene,
    prompt,
    attributes: askedAttributes(scene, footage, omitted),
    sound,
    size,
    frames,
    fps,
    movement: movementOf(scene, footage),
    loudness: loudnessPerFrame(sound.samples, frames, fps),
    pictures: spacedFrames(footage, 6).map((picture) => reducedPicture(picture, sheetSide)),
  };
}

function formOf(index: number): Form {
  const forms = index < followingClips ? usualForms : stillForms;
  return unusualForms.get(index) ?? elementAt(forms, index % forms.length);
}

function sized(width: number, height: number, frames: number, fps: number): Form {
  return { size: `${width}×${height}`, width, height, frames, fps };
}

function preset(size: VideoSizePreset, frames: number, fps: number): Form {
  return { size, ...videoSizePresets[size], frames, fps };
}

/** Three speakers, then a shape; now and then a skyline. */
function followingScene(index: number, random: SeededRandom): Scene {
  if (index % 10 === 7) return randomScene('skyline', random);
  return index % 4 === 3 ? randomShapes(1, random) : randomScene('speaker', random);
}

/** Any kind, and often enough a beard or glasses: by chance alone there would be a handful. */
function askedScene(index: number, random: SeededRandom): Scene {
  if (index % 10 === 4) return firstSpeaker(random, ({ beard }) => beard);
  if (index % 10 === 9) return firstSpeaker(random, ({ glasses }) => glasses);
  return randomScene(random.pick(['speaker', 'speaker', 'shapes', 'shapes', 'sea', 'skyline']), random);
}

function firstSpeaker(random: SeededRandom, wanted: (speaker: Speaker) => boolean): Speaker {
  for (;;) {
    const speaker = randomScene('speaker', random);
    if (wanted(speaker)) return speaker;
  }
}

/** A third of the prompts leaves something to the model. */
function leftOut(random: SeededRandom): Omission[] {
  return (['hair', 'shirt', 'ground'] as const).filter(() => random.chance(0.15));
}

/** What follows the sound in a clip: the mouth, the size of the shape, or the bars. */
export function movementOf(scene: Scene, footage: Footage): number[] {
  if (scene.kind === 'speaker') return mouthOpening(footage);
  if (scene.kind === 'skyline') return barArea(footage, scene.lights);
  const [thing] = scene.kind === 'shapes' ? scene.things : [];
  return thing === undefined ? footage.frames.map(() => 0) : objectSize(footage, thing.color);
}
