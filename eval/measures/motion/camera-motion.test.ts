import { expect, test } from 'vitest';
import { type CameraMove, cameraMoves } from '../../../src/models/camera-moves.ts';
import type { Footage } from '../../footage.ts';
import { SeededRandom } from '../../seeded-random.ts';
import type { Camera } from '../../world/canvas.ts';
import { drawClip } from '../../world/draw.ts';
import { randomScene } from '../../world/scene.ts';
import { cameraMotion, showsMove } from './camera-motion.ts';

const fps = 4;
/** Paces of the drawn world, over three seconds. */
function cameraAt(move: CameraMove): (seconds: number) => Camera {
  return (seconds) => {
    const along = seconds - 1.5;
    const zoom = move === 'dolly_in' ? 0.16 : move === 'dolly_out' ? -0.16 : 0;
    const x = move === 'dolly_right' ? 0.17 : move === 'dolly_left' ? -0.17 : 0;
    const y = move === 'jib_down' ? 0.17 : move === 'jib_up' ? -0.17 : 0;
    return { zoom: Math.exp(along * zoom), x: along * x, y: along * y };
  };
}

function filmed(move: CameraMove, seed: number): Footage {
  const loudness = Array.from({ length: 13 }, (_, at) => 0.5 + 0.4 * Math.sin(at));
  const size = { width: 96, height: 80 };
  return drawClip(randomScene('speaker', new SeededRandom(seed)), loudness, { fps, size, cameraAt: cameraAt(move) });
}

test.for(cameraMoves.map((move, seed) => [move, seed] as const))('%s is seen, and no other move', ([move, seed]) => {
  const motion = cameraMotion(filmed(move, seed));
  expect(cameraMoves.filter((other) => showsMove(motion, other))).toEqual([move]);
});

test('zoom and shift are measured in the units of the world', () => {
  const { zoom } = cameraMotion(filmed('dolly_in', 20));
  expect(zoom).toBeCloseTo(0.16 * 2, 1);
  // The scene moves against the camera.
  expect(cameraMotion(filmed('dolly_right', 20)).right).toBeCloseTo(-0.17 * 2, 1);
});
