import { imagePixels } from '../../src/ltx2/video/image-pixels.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import { defaultSize, defaultSizeName } from '../default-size.ts';
import { frameOf, type Picture, spacedFrames } from '../footage.ts';
import { fallsMonotonically, mean } from '../measures/motion/series.ts';
import { psnr } from '../measures/picture-difference.ts';
import { atLeast, type Finding, inDecibels, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { PictureSize } from '../world/canvas.ts';
import { drawScene } from '../world/draw.ts';
import { randomScene, randomShapes, type Scene } from '../world/scene.ts';

const strengths = [1, 0.75, 0.5, 0.25, 0] as const;
const fps = 12;

interface Form {
  readonly size: PictureSize;
  /** Wider than the clip, so that the product has to crop it. */
  readonly imageSize: PictureSize;
  readonly frames: number;
}

const small: Form = { size: { width: 256, height: 256 }, imageSize: { width: 400, height: 300 }, frames: 17 };
const large: Form = { size: defaultSize, imageSize: { width: 1200, height: 800 }, frames: 17 };

interface End {
  readonly name: string;
  readonly image: 'image_url' | 'end_image_url';
  readonly strength: 'image_strength' | 'end_image_strength';
  readonly frame: 0 | -1;
  readonly aim: number;
}

const first: End = { name: 'first', image: 'image_url', strength: 'image_strength', frame: 0, aim: 24 };
const last: End = { name: 'end', image: 'end_image_url', strength: 'end_image_strength', frame: -1, aim: 20 };

export const firstImageRow: Row = {
  name: 'first-image',
  about: 'the first frame is the image, as firmly as asked',
  run: (context) => runEnd(first, context),
};

export const endImageRow: Row = {
  name: 'end-image',
  about: 'the last frame is the image, as firmly as asked',
  run: (context) => runEnd(last, context),
};

async function runEnd(end: End, context: RowContext): Promise<RowResult> {
  const images = context.count(4);
  const means: number[] = [];
  const sheet: Picture[][] = [];
  for (const strength of strengths) {
    const clips = await clipsFrom(end, { strength, images, form: small }, context);
    means.push(mean(clips.map(({ likeness }) => likeness)));
    sheet.push(...clips.slice(0, 2).map(({ pictures }) => pictures));
  }
  const atDefault = await clipsFrom(end, { strength: 1, images: context.count(2), form: large }, context);
  sheet.push(...atDefault.map(({ pictures }) => pictures));
  return {
    findings: [
      ...findings(end, images, means),
      {
        what: `the same at strength 1 and ${defaultSizeName}, mean of ${atDefault.length}`,
        measured: inDecibels(mean(atDefault.map(({ likeness }) => likeness))),
        aim: '',
        met: undefined,
      },
    ],
    sheet,
  };
}

interface Clips {
  readonly strength: number;
  readonly images: number;
  readonly form: Form;
}

/** For each image, how much the frame is like it, in dB, and both as pictures. */
async function clipsFrom(end: End, { strength, images, form }: Clips, { studio, sounds, step }: RowContext) {
  const { size, frames } = form;
  const found: { readonly likeness: number; readonly pictures: Picture[] }[] = [];
  for (let index = 0; index < images; index++) {
    step(`strength ${strength} at ${size.width}×${size.height}, image ${index + 1} of ${images}`);
    const { scene, image } = givenImage(index, form.imageSize);
    const { footage } = await studio.make({
      prompt: scene.kind === 'speaker' ? `a ${scene.person} speaks to the camera` : 'a shape pulses with the sound',
      audio_url: (await sounds.sound(40 + index, { frames, fps })).path,
      num_frames: frames,
      fps,
      video_size: size,
      seed: 300 + index,
      [end.image]: await studio.keepPicture(`${end.name}-${index}-${size.width}`, image),
      [end.strength]: strength,
    });
    const cropped = coverCropped(image, size);
    found.push({
      likeness: psnr(frameOf(footage, end.frame), cropped),
      pictures: [cropped, ...spacedFrames(footage, 5)],
    });
  }
  return found;
}

function findings({ name, aim }: End, images: number, means: readonly number[]): Finding[] {
  const all = means.map((value, at) => `${strengths[at]}: ${value.toFixed(1)}`);
  return [
    atLeast(`${name} frame against its image at strength 1, mean of ${images}`, elementAt(means, 0), aim, inDecibels),
    {
      what: `the same at every strength, in dB`,
      measured: all.join(', '),
      aim: 'falls',
      met: fallsMonotonically(means),
    },
  ];
}

/** Speakers and shapes in turn, in the look of the world. */
function givenImage(index: number, size: PictureSize): { scene: Scene; image: Picture } {
  const random = new SeededRandom(900 + index);
  const scene = index % 2 === 0 ? randomScene('speaker', random) : randomShapes(1, random);
  return { scene, image: drawScene(scene, { seconds: 0, loudness: 0.5 }, size) };
}

/** The image as the product fits it to the clip. */
function coverCropped({ rgb, width, height }: Picture, size: PictureSize): Picture {
  const { data } = imagePixels({ rgb, width, height }, size.width, size.height);
  const plane = size.width * size.height;
  const bytes = Uint8Array.from({ length: plane * 3 }, (_, at) => {
    const value = elementAt(data, (at % 3) * plane + Math.floor(at / 3));
    return Math.round((value + 1) * 127.5);
  });
  return { ...size, rgb: bytes };
}
