import { elementAt } from '../../src/shared/element-at.ts';
import type { Footage, Picture } from '../footage.ts';
import { type Camera, Canvas, type PictureSize, type Style, stillCamera } from './canvas.ts';
import { colors, mixed, type Rgb, shaded } from './colors.ts';
import { box, circle, polygon } from './distances.ts';
import type { Scene, Sea, Shapes, Skyline, Thing } from './scene.ts';
import { paintSpeaker } from './speaker.ts';

/** What a picture follows at one time. */
export interface Moment {
  readonly seconds: number;
  /** 0…1 */
  readonly loudness: number;
  /** The same for eight bands of pitch, low to high; by default all as loud as the whole. */
  readonly bands?: readonly number[] | undefined;
  /** 0…1: 1 at an onset. */
  readonly beat?: number | undefined;
  /** 0…1: how high the pitch is. */
  readonly brightness?: number | undefined;
}

export interface DrawOptions {
  readonly camera?: Camera | undefined;
  readonly style?: Style | undefined;
}

export const bandCount = 8;

/** One picture of a scene. */
export function drawScene(scene: Scene, moment: Moment, size: PictureSize, options: DrawOptions = {}): Picture {
  const canvas = new Canvas(size, options.camera ?? stillCamera, options.style ?? 'plain');
  if (scene.kind !== 'sea') canvas.fill(() => colors[scene.ground]);
  if (scene.kind === 'speaker') paintSpeaker(canvas, scene, moment);
  else if (scene.kind === 'shapes') paintShapes(canvas, scene, moment);
  else if (scene.kind === 'sea') paintSea(canvas, scene, moment);
  else paintSkyline(canvas, scene, moment);
  return canvas.picture();
}

export interface ClipDrawOptions {
  readonly fps: number;
  readonly size: PictureSize;
  readonly style?: Style | undefined;
  readonly cameraAt?: ((seconds: number) => Camera) | undefined;
}

/** A scene following a sound, one frame per value of loudness (0…1). */
export function drawClip(scene: Scene, loudness: readonly number[], options: ClipDrawOptions): Footage {
  const { fps, size, style, cameraAt } = options;
  const frames = loudness.map((loud, index) => {
    const seconds = index / fps;
    return drawScene(scene, { seconds, loudness: loud }, size, { style, camera: cameraAt?.(seconds) });
  });
  return { fps, frames };
}

function paintShapes(canvas: Canvas, { things }: Shapes, moment: Moment): void {
  const { seconds, loudness } = moment;
  for (const thing of things) {
    const size = thing.size * (0.55 + 0.55 * loudness);
    const angle = thing.motion === 'spin' ? 1.8 * seconds : 0;
    const height = heightOf(thing, moment);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    canvas.paint((x, y) => {
      const u = x - thing.x;
      const v = y - height;
      return outline(thing, u * cos + v * sin, v * cos - u * sin, size);
    }, colors[thing.color]);
  }
}

/** World coordinate of a thing's middle. */
function heightOf({ motion }: Thing, { loudness, beat = 0, brightness = 0.5 }: Moment): number {
  if (motion === 'bounce') return 0.25 - 0.5 * beat;
  return motion === 'rise' ? 0.45 - 0.9 * brightness * (0.3 + 0.7 * loudness) : 0;
}

function outline({ shape }: Thing, u: number, v: number, size: number): number {
  if (shape === 'circle') return circle(u, v, size);
  if (shape === 'square') return box(u, v, 0.84 * size, 0.84 * size);
  if (shape === 'triangle') return polygon(u, v - 0.2 * size, 3, 1.2 * size);
  return polygon(u, v, 5, 1.2 * size, 0.45);
}

function paintSea(canvas: Canvas, scene: Sea, { seconds, loudness }: Moment): void {
  const sky = colors[scene.ground];
  const haze = mixed(sky, [1, 1, 1], 0.35);
  canvas.fill((y) => mixed(sky, haze, Math.min(1, Math.max(0, (y + 1) / 1.3))));
  canvas.paint((x, y) => circle(x - 0.5, y + 0.55, 0.2), scene.ground === 'black' ? colors.white : colors.yellow);
  const swell = 0.03 + 0.16 * loudness;
  const layers = [
    [0.12, 1.1, 4],
    [0.38, 1.6, 3.2],
    [0.66, 2.1, 2.6],
  ] as const;
  for (const [depth, [level, speed, wave]] of layers.entries()) {
    const shift = speed * seconds + 2 * depth;
    canvas.paint(
      (x, y) => (level - swell * Math.sin(wave * x + shift) - y) / 1.3,
      shaded(colors[scene.water], elementAt(waterLight, depth)),
    );
  }
}

/** Light of the three layers of water, far to near. */
export const waterLight = [1, 0.8, 0.6] as const;

function paintSkyline(canvas: Canvas, scene: Skyline, { loudness, bands }: Moment): void {
  for (let band = 0; band < bandCount; band++) {
    const middle = (band - (bandCount - 1) / 2) * 0.27;
    const half = 0.06 + 0.75 * (bands?.[band] ?? loudness);
    const color: Rgb = shaded(colors[scene.lights], 0.65 + (0.35 * band) / (bandCount - 1));
    canvas.paint((x, y) => box(x - middle, y - 0.95 + half, 0.105, half), color);
  }
  canvas.paint((_, y) => 0.95 - y, [0.06, 0.06, 0.08]);
}
