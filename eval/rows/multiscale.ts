import sharp from 'sharp';
import { defaultSize, defaultSizeName } from '../default-size.ts';
import { frameOf, type Picture } from '../footage.ts';
import { sharpness } from '../measures/edges/sharpness.ts';
import { median } from '../measures/motion/series.ts';
import { layoutCorrelation } from '../measures/picture-difference.ts';
import { atLeast, inHundredths, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { PictureSize } from '../world/canvas.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene } from '../world/scene.ts';

/** Delivered sizes; a first stage has half of them. */
const usual: Sizes = { full: { width: 512, height: 384 }, frames: 9 };
const large: Sizes = { full: defaultSize, frames: 17 };
const fps = 12;

interface Sizes {
  readonly full: PictureSize;
  readonly frames: number;
}

interface Comparison {
  /** Sharpness over the enlarged first stage. */
  readonly gain: number;
  /** Correlation of the layouts. */
  readonly layout: number;
  readonly pictures: readonly Picture[];
}

export const multiscaleRow: Row = {
  name: 'multiscale',
  about: 'two stages give a sharper picture than the first alone, of the same layout',
  async run(context: RowContext): Promise<RowResult> {
    const found = await comparisons(context.count(6), usual, context);
    const atDefault = await comparisons(context.count(3), large, context);
    const [gain, layout] = [(one: Comparison) => one.gain, (one: Comparison) => one.layout];
    const shown = `${inTimes(median(atDefault.map(gain)))}, layouts ${inHundredths(median(atDefault.map(layout)))}`;
    return {
      findings: [
        atLeast(
          `sharpness over the enlarged first stage, median of ${found.length}`,
          median(found.map(gain)),
          1,
          inTimes,
        ),
        atLeast('correlation of the layouts, median', median(found.map(layout)), 0.8, inHundredths),
        {
          what: `both at ${defaultSizeName}, medians of ${atDefault.length}`,
          measured: shown,
          aim: '',
          met: undefined,
        },
      ],
      sheet: [...found, ...atDefault].map(({ pictures }) => pictures),
    };
  },
};

async function comparisons(clips: number, sizes: Sizes, context: RowContext): Promise<Comparison[]> {
  const found: Comparison[] = [];
  for (let index = 0; index < clips; index++) {
    context.step(`clip ${index + 1} of ${clips} at ${sizes.full.width}×${sizes.full.height}`);
    found.push(await compare(index, sizes, context));
  }
  return found;
}

async function compare(index: number, { full, frames }: Sizes, { studio, sounds }: RowContext): Promise<Comparison> {
  const random = new SeededRandom(6000 + index);
  const request = {
    prompt: promptFor(randomScene(index % 3 === 2 ? 'shapes' : 'speaker', random), random),
    audio_url: (await sounds.sound(index, { frames, fps })).path,
    num_frames: frames,
    fps,
    seed: 600 + index,
  };
  const half = { width: full.width / 2, height: full.height / 2 };
  const twoStages = await studio.make({ ...request, video_size: full });
  const oneStage = await studio.make({ ...request, video_size: half, use_multiscale: false });
  const refined = frameOf(twoStages.footage, 4);
  const enlarged = await toSize(frameOf(oneStage.footage, 4), full);
  return {
    gain: sharpness(refined) / sharpness(enlarged),
    layout: layoutCorrelation(refined, enlarged),
    pictures: [enlarged, refined],
  };
}

async function toSize({ rgb, width, height }: Picture, full: PictureSize): Promise<Picture> {
  const enlarged = sharp(rgb, { raw: { width, height, channels: 3 } }).resize(full.width, full.height, {
    kernel: 'linear',
  });
  return { ...full, rgb: new Uint8Array(await enlarged.raw().toBuffer()) };
}

function inTimes(value: number): string {
  return `${value.toFixed(2)}×`;
}
