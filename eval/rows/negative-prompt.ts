import { frameOf, type Picture } from '../footage.ts';
import { groundOf } from '../measures/attributes/asked-attributes.ts';
import { colorShare } from '../measures/attributes/color-share.ts';
import { median } from '../measures/motion/series.ts';
import { atLeast, inPercent, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene, randomShapes } from '../world/scene.ts';

const form = { frames: 9, fps: 12 } as const;

export const negativePromptRow: Row = {
  name: 'negative-prompt',
  about: 'a background color that is asked against covers less of the picture',
  async run(context: RowContext): Promise<RowResult> {
    const prompts = context.count(10);
    const changes: number[] = [];
    const sheet: Picture[][] = [];
    for (let index = 0; index < prompts; index++) {
      context.step(`prompt ${index + 1} of ${prompts}`);
      const random = new SeededRandom(9000 + index);
      const scene = index % 2 === 0 ? randomScene('speaker', random) : randomShapes(1, random);
      const request = {
        // The background is the model's choice; then that choice is asked against.
        prompt: promptFor(scene, random, new Set(['ground'])),
        audio_url: (await context.sounds.sound(index, form)).path,
        num_frames: form.frames,
        fps: form.fps,
        seed: 900 + index,
      };
      const plain = await context.studio.make(request);
      const color = groundOf(frameOf(plain.footage, 4), scene);
      const steered = await context.studio.make({ ...request, negative_prompt: `${color} background` });
      const before = colorShare(plain.footage, color);
      changes.push((colorShare(steered.footage, color) - before) / before);
      sheet.push([frameOf(plain.footage, 4), frameOf(steered.footage, 4)]);
    }
    const lowered = changes.filter((change) => change < 0).length / prompts;
    return {
      findings: [
        atLeast(`clips with less of the color, of ${prompts}`, lowered, 0.5, inPercent),
        {
          what: 'change of its area, median',
          measured: inPercent(median(changes)),
          aim: '< 0 %',
          met: median(changes) < 0,
        },
      ],
      sheet,
    };
  },
};
