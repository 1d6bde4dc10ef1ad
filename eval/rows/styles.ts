import { elementAt } from '../../src/shared/element-at.ts';
import { defaultSize, defaultSizeName } from '../default-size.ts';
import { type Footage, type Picture, spacedFrames } from '../footage.ts';
import { cameraMotion, showsMove } from '../measures/motion/camera-motion.ts';
import { fallsMonotonically, mean } from '../measures/motion/series.ts';
import { inkAmount, neonAmount } from '../measures/style-amount.ts';
import {
  atLeast,
  type Finding,
  inHundredths,
  inPercent,
  notThere,
  type Row,
  type RowContext,
  type RowResult,
} from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { type StyleName, styleLora, styleNames } from '../style-lora.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene } from '../world/scene.ts';

const scales = [1, 0.5, 0] as const;
const styles: Readonly<Record<StyleName, (footage: Footage) => number>> = { ink: inkAmount, neon: neonAmount };

/** Neither paper nor night, so that a plain clip has nothing of either style. */
const grounds = ['blue', 'green', 'orange', 'purple', 'turquoise', 'red'] as const;
const form = { frames: 33, fps: 12 } as const;

export const stylesRow: Row = {
  name: 'styles',
  about: 'a style LoRA takes hold, and more so at a larger scale',
  async run(context: RowContext): Promise<RowResult> {
    const findings: Finding[] = [];
    const sheet: Picture[][] = [];
    for (const style of styleNames) {
      const lora = await styleLora(style, context.studio.weights);
      const what = `${style}: amount at scale 0, 0.5 and 1, mean of ${context.count(4)}`;
      if (lora === undefined) {
        findings.push(notThere(what, 'rises'));
        continue;
      }
      const means: number[] = [];
      for (const scale of scales) {
        const amounts: number[] = [];
        for (let index = 0; index < context.count(4); index++) {
          context.step(`${style} at ${scale}, clip ${index + 1} of ${context.count(4)}`);
          const footage = await styledClip(index, { loras: [{ path: lora, scale }], num_frames: 17 }, context);
          amounts.push(styles[style](footage));
          if (index === 0) sheet.push(spacedFrames(footage, 5));
        }
        means.push(mean(amounts));
      }
      const shown = means.toReversed().map(inHundredths).join(', ');
      findings.push({ what, measured: shown, aim: 'rises', met: fallsMonotonically(means) });
      context.step(`${style} at ${defaultSizeName}`);
      const fields = { loras: [{ path: lora, scale: 1 }], num_frames: 17, video_size: defaultSize };
      const atDefault = await styledClip(0, fields, context);
      findings.push({
        what: `${style}: amount at scale 1 and ${defaultSizeName}, one clip`,
        measured: inHundredths(styles[style](atDefault)),
        aim: '',
        met: undefined,
      });
      sheet.push(spacedFrames(atDefault, 5));
    }
    return { findings, sheet };
  },
};

export const twoLorasRow: Row = {
  name: 'two-loras',
  about: 'a camera LoRA and a style LoRA work at once',
  async run(context: RowContext): Promise<RowResult> {
    const lora = await styleLora('ink', context.studio.weights);
    const clips = context.count(6);
    const what = `dolly_in and ink, both seen, of ${clips} clips`;
    if (lora === undefined || context.studio.weights.cameraLoras.dolly_in === undefined) {
      return { findings: [notThere(what, '≥ 80 %')] };
    }
    const sheet: Picture[][] = [];
    let both = 0;
    for (let index = 0; index < clips; index++) {
      context.step(`clip ${index + 1} of ${clips}`);
      const plain = await styledClip(index, {}, context);
      const loras = [{ path: lora, scale: 1 }];
      const styled = await styledClip(index, { loras }, context);
      const footage = await styledClip(index, { loras, camera_lora: 'dolly_in' }, context);
      const halfway = (inkAmount(plain) + inkAmount(styled)) / 2;
      const hasStyle = inkAmount(styled) > inkAmount(plain) && inkAmount(footage) > halfway;
      if (hasStyle && showsMove(cameraMotion(footage), 'dolly_in')) both++;
      if (index < 4) sheet.push(spacedFrames(footage, 6));
    }
    return { findings: [atLeast(what, both / clips, 0.8, inPercent)], sheet };
  },
};

async function styledClip(
  index: number,
  fields: Partial<Record<'loras' | 'camera_lora' | 'num_frames' | 'video_size', unknown>>,
  { studio, sounds }: RowContext,
): Promise<Footage> {
  const random = new SeededRandom(5000 + index);
  const scene = {
    ...randomScene('speaker', random),
    ground: elementAt(grounds, index % grounds.length),
    shirt: 'yellow',
  } as const;
  const { footage } = await studio.make({
    prompt: promptFor(scene, random),
    audio_url: (await sounds.sound(index, form)).path,
    num_frames: form.frames,
    fps: form.fps,
    seed: 500 + index,
    ...fields,
  });
  return footage;
}
