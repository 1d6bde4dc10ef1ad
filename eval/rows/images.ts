import { imagePixels } from '../../src/ltx2/video/image-pixels.ts';
import { frameOf, type Picture, spacedFrames } from '../footage.ts';
import { psnr } from '../measures/picture-difference.ts';
import { fallsMonotonically, mean } from '../measures/series.ts';
import { atLeast, type Finding, inDecibels, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { drawScene } from '../world/draw.ts';
import { randomScene, randomShapes, type Scene } from '../world/scene.ts';

const strengths = [1, 0.75, 0.5, 0.25, 0] as const;
const size = { width: 256, height: 256 } as const;
/** Wider than the clip, so that the product has to crop it. */
const imageSize = { width: 400, height: 300 } as const;

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
  const { studio, sounds } = context;
  const images = context.count(4);
  const means: number[] = [];
  const pictures: Picture[][] = [];
  for (const strength of strengths) {
    const found: number[] = [];
    for (let index = 0; index < images; index++) {
      context.step(`strength ${strength}, image ${index + 1} of ${images}`);
      const { scene, image } = givenImage(index);
      const form = { frames: 17, fps: 12 };
      const { footage } = await studio.make({
        prompt: scene.kind === 'speaker' ? `a ${scene.person} speaks to the camera` : 'a shape pulses with the sound',
        audio_url: (await sounds.sound(40 + index, form)).path,
        num_frames: form.frames,
        fps: form.fps,
        video_size: size,
        seed: 300 + index,
        [end.image]: await studio.keepPicture(`${end.name}-${index}`, image),
        [end.strength]: strength,
      });
      found.push(psnr(frameOf(footage, end.frame), coverCropped(image)));
      if (index < 2) pictures.push([coverCropped(image), ...spacedFrames(footage, 5)]);
    }
    means.push(mean(found));
  }
  return { findings: findings(end, images, means), sheet: pictures };
}

function findings({ name, aim }: End, images: number, means: readonly number[]): Finding[] {
  const all = means.map((value, at) => `${strengths[at]}: ${value.toFixed(1)}`);
  return [
    atLeast(`${name} frame against its image at strength 1, mean of ${images}`, means[0] ?? 0, aim, inDecibels),
    {
      what: `the same at every strength, in dB`,
      measured: all.join(', '),
      aim: 'falls',
      met: fallsMonotonically(means),
    },
  ];
}

/** Speakers and shapes in turn, in the look of the world. */
function givenImage(index: number): { scene: Scene; image: Picture } {
  const random = new SeededRandom(900 + index);
  const scene = index % 2 === 0 ? randomScene('speaker', random) : randomShapes(1, random);
  return { scene, image: drawScene(scene, { seconds: 0, loudness: 0.5 }, imageSize) };
}

/** The image as the product fits it to the clip. */
function coverCropped({ rgb, width, height }: Picture): Picture {
  const { data } = imagePixels({ data: rgb, width, height }, size.width, size.height);
  const plane = size.width * size.height;
  const bytes = Uint8Array.from({ length: plane * 3 }, (_, at) => {
    const value = data[(at % 3) * plane + Math.floor(at / 3)] ?? 0;
    return Math.round((value + 1) * 127.5);
  });
  return { ...size, rgb: bytes };
}
