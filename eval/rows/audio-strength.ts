import { type Picture, spacedFrames } from '../footage.ts';
import { loudnessPerFrame, toLevel } from '../measures/motion/loudness.ts';
import { correlation, median } from '../measures/motion/series.ts';
import { atLeast, atMost, inHundredths, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene } from '../world/scene.ts';

const form = { frames: 61, fps: 24 } as const;
const aims = { loudness: 0.6, waveform: 0.9 } as const;

export const audioStrengthRow: Row = {
  name: 'audio-strength',
  about: 'at strength 0.5 the sound is another one with the same course',
  async run(context: RowContext): Promise<RowResult> {
    const clips = context.count(6);
    const courses: number[] = [];
    const waveforms: number[] = [];
    const sheet: Picture[][] = [];
    for (let index = 0; index < clips; index++) {
      context.step(`clip ${index + 1} of ${clips}`);
      const random = new SeededRandom(8000 + index);
      const { path, samples } = await context.sounds.sound(index, form);
      const { footage, sound = new Float32Array(0) } = await context.studio.make(
        {
          prompt: promptFor(randomScene('speaker', random), random),
          audio_url: path,
          num_frames: form.frames,
          fps: form.fps,
          seed: 800 + index,
          audio_strength: 0.5,
        },
        { withSound: true },
      );
      const loudness = (heard: Float32Array): number[] => loudnessPerFrame(heard, form.frames, form.fps);
      courses.push(correlation(loudness(sound), loudness(samples)));
      waveforms.push(Math.abs(correlation(toLevel(sound), toLevel(samples))));
      sheet.push(spacedFrames(footage, 6));
    }
    return {
      findings: [
        atLeast(
          `loudness of the new sound and the old, median of ${clips}`,
          median(courses),
          aims.loudness,
          inHundredths,
        ),
        atMost('their waveforms, median', median(waveforms), aims.waveform, inHundredths),
      ],
      sheet,
    };
  },
};
