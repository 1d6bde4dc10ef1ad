import { CAMERA_MOVES, type CameraMove } from '../../src/models/camera-moves.ts';
import { type Picture, spacedFrames } from '../footage.ts';
import { type CameraMotion, cameraMotion, showsMove } from '../measures/camera-motion.ts';
import { mean } from '../measures/series.ts';
import { atLeast, type Finding, inPercent, notThere, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene } from '../world/scene.ts';

const aim = 0.9;
/** Long enough for a move to be seen. */
const form = { frames: 33, fps: 12 } as const;

export const camerasRow: Row = {
  name: 'cameras',
  about: 'the picture zooms or pans as the camera LoRA says',
  async run(context: RowContext): Promise<RowResult> {
    const findings: Finding[] = [];
    const sheet: Picture[][] = [];
    const shares: number[] = [];
    for (const move of CAMERA_MOVES) {
      if (context.studio.weights.cameraLoras[move] === undefined) {
        findings.push(notThere(move, ''));
        continue;
      }
      const { share, motion, pictures } = await runMove(move, context);
      shares.push(share);
      sheet.push(pictures);
      findings.push({
        what: `of these: ${move}`,
        measured: `${inPercent(share)} (${motion})`,
        aim: '',
        met: undefined,
      });
    }
    const what = `clips that move as asked, ${context.count(10)} of each move`;
    const all =
      shares.length === 0 ? notThere(what, `≥ ${inPercent(aim)}`) : atLeast(what, mean(shares), aim, inPercent);
    return { findings: [all, ...findings], sheet };
  },
};

/** Speakers, because shapes grow with the sound and waves wander. */
async function runMove(
  move: CameraMove,
  context: RowContext,
): Promise<{ share: number; motion: string; pictures: Picture[] }> {
  const { studio, sounds } = context;
  const clips = context.count(10);
  const motions: CameraMotion[] = [];
  let pictures: Picture[] = [];
  for (let index = 0; index < clips; index++) {
    context.step(`${move}, clip ${index + 1} of ${clips}`);
    const random = new SeededRandom(4000 + index);
    const { footage } = await studio.make({
      prompt: promptFor(randomScene('speaker', random), random),
      audio_url: (await sounds.sound(index, form)).path,
      num_frames: form.frames,
      fps: form.fps,
      seed: 400 + index,
      camera_lora: move,
    });
    motions.push(cameraMotion(footage));
    if (index === 0) pictures = spacedFrames(footage, 6);
  }
  const share = motions.filter((motion) => showsMove(motion, move)).length / clips;
  const average = (key: 'zoom' | 'right' | 'down'): string => mean(motions.map((motion) => motion[key])).toFixed(2);
  return { share, motion: `zoom ${average('zoom')}, right ${average('right')}, down ${average('down')}`, pictures };
}
