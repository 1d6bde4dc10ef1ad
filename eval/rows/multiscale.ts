import sharp from 'sharp';
import { frameOf, type Picture } from '../footage.ts';
import { layoutCorrelation } from '../measures/picture-difference.ts';
import { median } from '../measures/series.ts';
import { sharpness } from '../measures/sharpness.ts';
import { atLeast, inHundredths, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene } from '../world/scene.ts';

const full = { width: 512, height: 384 } as const;
const half = { width: 256, height: 192 } as const;
const form = { frames: 9, fps: 12 } as const;

export const multiscaleRow: Row = {
  name: 'multiscale',
  about: 'two stages give a sharper picture than the first alone, of the same layout',
  async run(context: RowContext): Promise<RowResult> {
    const { studio, sounds } = context;
    const clips = context.count(6);
    const gains: number[] = [];
    const layouts: number[] = [];
    const sheet: Picture[][] = [];
    for (let index = 0; index < clips; index++) {
      context.step(`clip ${index + 1} of ${clips}`);
      const random = new SeededRandom(6000 + index);
      const request = {
        prompt: promptFor(randomScene(index % 3 === 2 ? 'shapes' : 'speaker', random), random),
        audio_url: (await sounds.sound(index, form)).path,
        num_frames: form.frames,
        fps: form.fps,
        seed: 600 + index,
      };
      const twoStages = await studio.make({ ...request, video_size: full });
      const oneStage = await studio.make({ ...request, video_size: half, use_multiscale: false });
      const refined = frameOf(twoStages.footage, 4);
      const enlarged = await toFullSize(frameOf(oneStage.footage, 4));
      gains.push(sharpness(refined) / sharpness(enlarged));
      layouts.push(layoutCorrelation(refined, enlarged));
      sheet.push([enlarged, refined]);
    }
    return {
      findings: [
        atLeast(
          `sharpness over the enlarged first stage, median of ${clips}`,
          median(gains),
          1,
          (value) => `${value.toFixed(2)}×`,
        ),
        atLeast('correlation of the layouts, median', median(layouts), 0.8, inHundredths),
      ],
      sheet,
    };
  },
};

async function toFullSize({ rgb, width, height }: Picture): Promise<Picture> {
  const enlarged = sharp(rgb, { raw: { width, height, channels: 3 } }).resize(full.width, full.height, {
    kernel: 'linear',
  });
  return { ...full, rgb: new Uint8Array(await enlarged.raw().toBuffer()) };
}
