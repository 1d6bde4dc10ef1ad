import { type CameraMove, cameraMoves } from '../../src/models/camera-moves.ts';
import { defaultSize, defaultSizeName } from '../default-size.ts';
import { type Footage, type Picture, spacedFrames } from '../footage.ts';
import { type CameraMotion, cameraMotion, showsMove } from '../measures/motion/camera-motion.ts';
import { mean } from '../measures/motion/series.ts';
import { atLeast, type Finding, inPercent, notThere, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { PictureSize } from '../world/canvas.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene } from '../world/scene.ts';

const aim = 0.9;
const fps = 12;

/** Long enough for a move to be seen. */
interface Form {
  readonly frames: number;
  readonly size: PictureSize;
}

const small: Form = { frames: 33, size: { width: 256, height: 256 } };
const large: Form = { frames: 25, size: defaultSize };

export const camerasRow: Row = {
  name: 'cameras',
  about: 'the picture zooms or pans as the camera LoRA says',
  async run(context: RowContext): Promise<RowResult> {
    const findings: Finding[] = [];
    const sheet: Picture[][] = [];
    const shares: number[] = [];
    const missedAtDefault: CameraMove[] = [];
    for (const move of cameraMoves) {
      if (context.studio.weights.cameraLoras[move] === undefined) {
        findings.push(notThere(move, ''));
        continue;
      }
      const { share, motion, pictures } = await runMove(move, context);
      shares.push(share);
      const atDefault = await movedClip(0, move, large, context);
      if (!showsMove(cameraMotion(atDefault), move)) missedAtDefault.push(move);
      sheet.push(pictures, spacedFrames(atDefault, 6));
      findings.push({
        what: `of these: ${move}`,
        measured: `${inPercent(share)} (${motion})`,
        aim: '',
        met: undefined,
      });
    }
    const what = `clips that move as asked, ${context.count(10)} of each move`;
    if (shares.length === 0) return { findings: [notThere(what, `≥ ${inPercent(aim)}`), ...findings], sheet };
    const moved = `${shares.length - missedAtDefault.length} of ${shares.length}`;
    findings.push({
      what: `move as asked at ${defaultSizeName}, one clip of each move`,
      measured: missedAtDefault.length === 0 ? moved : `${moved}, not ${missedAtDefault.join(', ')}`,
      aim: '',
      met: undefined,
    });
    return { findings: [atLeast(what, mean(shares), aim, inPercent), ...findings], sheet };
  },
};

async function runMove(
  move: CameraMove,
  context: RowContext,
): Promise<{ share: number; motion: string; pictures: Picture[] }> {
  const clips = context.count(10);
  const motions: CameraMotion[] = [];
  let pictures: Picture[] = [];
  for (let index = 0; index < clips; index++) {
    context.step(`${move}, clip ${index + 1} of ${clips}`);
    const footage = await movedClip(index, move, small, context);
    motions.push(cameraMotion(footage));
    if (index === 0) pictures = spacedFrames(footage, 6);
  }
  const share = motions.filter((motion) => showsMove(motion, move)).length / clips;
  const average = (key: 'zoom' | 'right' | 'down'): string => mean(motions.map((motion) => motion[key])).toFixed(2);
  return { share, motion: `zoom ${average('zoom')}, right ${average('right')}, down ${average('down')}`, pictures };
}

/** A speaker, because shapes grow with the sound and waves wander. */
async function movedClip(
  index: number,
  move: CameraMove,
  { frames, size }: Form,
  { studio, sounds }: RowContext,
): Promise<Footage> {
  const random = new SeededRandom(4000 + index);
  const { footage } = await studio.make({
    prompt: promptFor(randomScene('speaker', random), random),
    audio_url: (await sounds.sound(index, { frames, fps })).path,
    num_frames: frames,
    fps,
    video_size: size,
    seed: 400 + index,
    camera_lora: move,
  });
  return footage;
}
