import { elementAt } from '../../../src/shared/element-at.ts';
import { type Footage, spacedMoments } from '../../footage.ts';
import { drawScene } from '../../world/draw.ts';
import type { Scene } from '../../world/scene.ts';
import { skinToneOf } from '../faces/skin-tone.ts';
import { strongEdges } from './strong-edges.ts';

/** Frames compared, between the first and the last: drawings take their time. */
const looks = 5;

/** Strong edges of a picture that has hardly any. */
const minEdges = 0.001;

/** What a clip was to show and to follow. */
export interface Drawn {
  readonly scene: Scene;
  /** Of the sound at each frame, 0…1. */
  readonly loudness: readonly number[];
  /** The same for each band of pitch, which skylines follow; by default all as loud as the whole. */
  readonly bands?: readonly (readonly number[])[] | undefined;
}

/**
 * Strong edges of a clip over those of exact drawings of its scene, at its size, times and loudness: 1 where it is as sharp
 * as a drawing, near 0 where it is a blur, and above 1 where it shows more edges than asked for. The drawn skin is the one
 * that the clip shows. Undefined where the drawing itself has hardly an edge, as turquoise before gray, which are equally
 * light.
 */
export function sharpnessOverDrawing(footage: Footage, drawn: Drawn): number | undefined {
  const scene = asShown(drawn.scene, footage);
  const moments = spacedMoments(footage, Math.min(looks, footage.frames.length));
  let [seen, exact] = [0, 0];
  for (const { picture, index, seconds } of moments) {
    const moment = { seconds, loudness: elementAt(drawn.loudness, index), bands: drawn.bands?.[index] };
    seen += strongEdges(picture);
    exact += strongEdges(drawScene(scene, moment, picture));
  }
  return exact < minEdges * moments.length ? undefined : seen / exact;
}

/** A scene with the skin that a clip chose. */
function asShown(scene: Scene, footage: Footage): Scene {
  return scene.kind === 'speaker' ? { ...scene, skin: skinToneOf(footage, scene) } : scene;
}
