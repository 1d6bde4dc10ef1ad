import { type Footage, frameOf, type Picture } from '../footage.ts';
import { type Attribute, askedAttributes } from '../measures/attributes/asked-attributes.ts';
import { sharpnessOverDrawing } from '../measures/edges/sharpness-over-drawing.ts';
import { faceParts } from '../measures/faces/face-parts.ts';
import { bandsPerFrame, loudnessPerFrame } from '../measures/motion/loudness.ts';
import { correlation, median } from '../measures/motion/series.ts';
import {
  atLeast,
  type Finding,
  inHundredths,
  inPercent,
  inRowsOf,
  type Row,
  type RowContext,
  type RowResult,
} from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { ClipRequest } from '../studio.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene, randomShapes, type Scene, type SceneKind } from '../world/scene.ts';
import { findingsPerName, perGroup, shareMet } from './attribute-findings.ts';
import { movementOf } from './survey.ts';

const aims = { attributes: 0.9, sync: 0.8, sharpness: 0.8, overHalfSize: 0.85, parts: 0.9 } as const;
/** A second and a third, at the default rate: the one field, beside the seed, that is no default. */
const form = { frames: 33, fps: 25 } as const;
const halfSize = { width: 512, height: 384 } as const;

/** What the studio changes for other clips, back at the contract's defaults. */
const defaults = {
  fps: undefined,
  video_size: undefined,
  enable_prompt_expansion: undefined,
  enable_safety_checker: undefined,
  video_write_mode: undefined,
} as const;

/** Mostly people, as in most requests. */
const kinds: readonly SceneKind[] = [
  'speaker',
  'speaker',
  'shapes',
  'speaker',
  'speaker',
  'sea',
  'speaker',
  'speaker',
  'skyline',
  'speaker',
  'shapes',
  'speaker',
  'speaker',
  'speaker',
];

/** What was measured of one request. */
interface Answer {
  readonly kind: SceneKind;
  readonly attributes: readonly Attribute[];
  /** Undefined where nothing follows the sound by its size. */
  readonly sync: number | undefined;
  /** Strong edges over those of the drawing, here and at 512×384; undefined where a drawing has none. */
  readonly sharpness: number | undefined;
  readonly halfSharpness: number | undefined;
  readonly parts: readonly { readonly name: string; readonly met: boolean }[];
  readonly pictures: readonly Picture[];
}

export const defaultRequestRow: Row = {
  name: 'default-request',
  about: 'a prompt with every field at its default gives a sharp picture of what it says',
  async run(context: RowContext): Promise<RowResult> {
    const prompts = context.count(kinds.length);
    const answers: Answer[] = [];
    for (const [index, kind] of kinds.slice(0, prompts).entries()) {
      context.step(`prompt ${index + 1} of ${prompts}`);
      answers.push(await answer(index, kind, context));
    }
    return {
      findings: findings(answers),
      sheet: inRowsOf(
        6,
        answers.flatMap(({ pictures }) => pictures),
      ),
    };
  },
};

async function answer(index: number, kind: SceneKind, { studio, sounds }: RowContext): Promise<Answer> {
  const random = new SeededRandom(13_000 + index);
  // Nothing is left out, so that it is known what an exact drawing looks like.
  const scene = kind === 'shapes' ? randomShapes(index < 7 ? 1 : 2, random) : randomScene(kind, random);
  const { path, samples } = await sounds.sound(800 + index, form);
  const request: ClipRequest = {
    ...defaults,
    prompt: promptFor(scene, random),
    audio_url: path,
    num_frames: form.frames,
    seed: 1300 + index,
  };
  const { footage } = await studio.make(request);
  const { footage: half } = await studio.make({ ...request, video_size: halfSize });
  const loudness = loudnessPerFrame(samples, form.frames, form.fps);
  const drawn = { scene, loudness, bands: bandsPerFrame(samples, form.frames, form.fps) };
  return {
    kind,
    attributes: askedAttributes(scene, footage),
    sync: syncOf(scene, footage, loudness),
    sharpness: sharpnessOverDrawing(footage, drawn),
    halfSharpness: sharpnessOverDrawing(half, drawn),
    parts: partsOf(scene, footage, loudness),
    pictures: [frameOf(footage, 8), frameOf(footage, 24)],
  };
}

function syncOf(scene: Scene, footage: Footage, loudness: readonly number[]): number | undefined {
  return scene.kind === 'sea' ? undefined : correlation(movementOf(scene, footage), loudness);
}

function partsOf(scene: Scene, footage: Footage, loudness: readonly number[]): Answer['parts'] {
  return scene.kind === 'speaker'
    ? faceParts(footage, scene, loudness).map(({ name, found }) => ({ name, met: found }))
    : [];
}

function findings(answers: readonly Answer[]): Finding[] {
  const attributes = answers.flatMap((one) => one.attributes);
  const parts = answers.flatMap((one) => one.parts);
  const [syncs, sharp] = [valuesOf(answers, 'sync'), valuesOf(answers, 'sharpness')];
  const overHalf = answers.flatMap(({ sharpness, halfSharpness }) =>
    sharpness === undefined || halfSharpness === undefined ? [] : [sharpness / halfSharpness],
  );
  const byKind = (what: string, values: readonly Value[]): Finding =>
    perGroup(
      what,
      values,
      ({ kind }) => kind,
      (of) => inHundredths(median(numbers(of))),
    );
  return [
    atLeast(
      `colors, kinds and features asked for, ${attributes.length} in ${answers.length} prompts`,
      shareMet(attributes),
      aims.attributes,
      inPercent,
    ),
    ...findingsPerName(attributes),
    atLeast(`movement and loudness, median of ${syncs.length}`, median(numbers(syncs)), aims.sync, inHundredths),
    byKind('the same by what moves', syncs),
    atLeast(
      `strong edges over those of the exact drawing, median of ${sharp.length}`,
      median(numbers(sharp)),
      aims.sharpness,
      inHundredths,
    ),
    byKind('the same by kind', sharp),
    atLeast(
      `the same over that of the request at 512×384, median of ${overHalf.length}`,
      median(overHalf),
      aims.overHalfSize,
      inHundredths,
    ),
    atLeast(`clear parts of faces, ${parts.length} looked for`, shareMet(parts), aims.parts, inPercent),
    ...findingsPerName(parts),
  ];
}

interface Value {
  readonly kind: SceneKind;
  readonly value: number;
}

function valuesOf(answers: readonly Answer[], key: 'sync' | 'sharpness'): Value[] {
  return answers.flatMap(({ kind, [key]: value }) => (value === undefined ? [] : [{ kind, value }]));
}

function numbers(values: readonly Value[]): number[] {
  return values.map(({ value }) => value);
}
