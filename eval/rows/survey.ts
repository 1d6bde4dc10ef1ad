import { type Footage, type Picture, spacedFrames } from '../footage.ts';
import { type Attribute, askedAttributes } from '../measures/asked-attributes.ts';
import { loudnessPerFrame } from '../measures/loudness.ts';
import { mouthOpening } from '../measures/mouth-opening.ts';
import { barArea, objectSize } from '../measures/object-size.ts';
import type { RowContext } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { Sound } from '../sounds/sound-library.ts';
import { type Omission, promptFor } from '../world/prompt.ts';
import { randomScene, randomShapes, type Scene } from '../world/scene.ts';

/** What was measured of one clip of the survey. */
export interface SurveyClip {
  readonly scene: Scene;
  readonly prompt: string;
  readonly attributes: readonly Attribute[];
  readonly sound: Sound;
  readonly frames: number;
  readonly fps: number;
  /** Mouth opening, size or bar area per frame. */
  readonly movement: readonly number[];
  readonly loudness: readonly number[];
  readonly pictures: readonly Picture[];
}

interface Form {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}

/** Mostly small; seconds and rates differ. */
const usualForms: readonly Form[] = [
  { width: 256, height: 256, frames: 49, fps: 25 },
  { width: 512, height: 384, frames: 41, fps: 24 },
  { width: 256, height: 256, frames: 65, fps: 15 },
  { width: 384, height: 512, frames: 41, fps: 25 },
  { width: 256, height: 256, frames: 57, fps: 24 },
];

/** The corners of what can be asked for, by number of the clip. */
const unusualForms: ReadonlyMap<number, Form> = new Map([
  [4, { width: 320, height: 256, frames: 41, fps: 12 }],
  [9, { width: 512, height: 384, frames: 41, fps: 12 }],
  [14, { width: 256, height: 320, frames: 41, fps: 10 }],
  [19, { width: 256, height: 256, frames: 121, fps: 60 }],
  [24, { width: 512, height: 384, frames: 33, fps: 10 }],
  [29, { width: 256, height: 256, frames: 9, fps: 8 }],
  [34, { width: 192, height: 192, frames: 481, fps: 24 }],
  [39, { width: 1024, height: 768, frames: 25, fps: 8 }],
  [44, { width: 300, height: 260, frames: 50, fps: 23.976 }],
]);

/** Clips from the first on follow a sound, later ones are only asked for what they show. */
export const followingClips = 50;
const stillForm: Form = { width: 256, height: 256, frames: 17, fps: 12 };

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
  const scene = follows ? followingScene(index, random) : anyScene(random);
  const omitted = new Set<Omission>(follows ? [] : leftOut(random));
  const prompt = promptFor(scene, random, omitted);
  const form = follows ? formOf(index) : stillForm;
  const { frames, fps } = form;
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
    frames,
    fps,
    movement: movementOf(scene, footage),
    loudness: loudnessPerFrame(sound.samples, frames, fps),
    pictures: spacedFrames(footage, 6),
  };
}

function formOf(index: number): Form {
  const form = unusualForms.get(index) ?? usualForms[index % usualForms.length];
  if (form === undefined) throw new Error('there are forms');
  return form;
}

/** Three speakers, then a shape; now and then a skyline. */
function followingScene(index: number, random: SeededRandom): Scene {
  if (index % 10 === 7) return randomScene('skyline', random);
  return index % 4 === 3 ? randomShapes(1, random) : randomScene('speaker', random);
}

function anyScene(random: SeededRandom): Scene {
  return randomScene(random.pick(['speaker', 'speaker', 'shapes', 'shapes', 'sea', 'skyline']), random);
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
