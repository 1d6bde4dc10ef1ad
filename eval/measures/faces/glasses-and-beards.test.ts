import { expect, test } from 'vitest';
import type { Picture } from '../../footage.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { colorDistance, hairColors, hairNames, skinTones } from '../../world/colors.ts';
import { drawClip, drawScene } from '../../world/draw.ts';
import { type HairStyle, randomScene, type Speaker } from '../../world/scene.ts';
import { type Attribute, askedAttributes } from '../attributes/asked-attributes.ts';
import { softened } from '../edges/reduced-picture.ts';
import { skinToneOf } from './skin-tone.ts';

const small = { width: 256, height: 256 };
const usual = { width: 1024, height: 768 };
const styles: readonly HairStyle[] = ['short', 'curly', 'bald'];
const hairs = hairNames;

/** Men in all skins and colors of hair. */
const men = skinTones.flatMap((_, skin) =>
  hairs.map((hair, at): Speaker => {
    const style = styles[(skin + at) % styles.length] ?? 'short';
    return { ...randomScene('speaker', new SeededRandom(at)), person: 'man', hairStyle: style, hair, skin };
  }),
);

/** Glasses and beard as they are found in pictures of a speaker when both are asked for. */
function found(drawn: Speaker, frames: readonly Picture[]): Attribute[] {
  const asked = { ...drawn, glasses: true, beard: true };
  return askedAttributes(asked, { fps: 2, frames }).filter(({ name }) => name === 'glasses' || name === 'beard');
}

/** Edges a bit soft, all colors off by nearly 0.1. */
function offColor(picture: Picture, change: number): Picture {
  const { rgb, ...size } = softened(picture);
  return { ...size, rgb: Uint8Array.from(rgb, (value) => Math.min(255, Math.max(0, value + 255 * change))) };
}

test.for([small, usual])('glasses and beards are found where they are, and only there: %o', (size) => {
  // Large drawings take their time: every third man will do.
  for (const [at, man] of men.filter((_, index) => size === small || index % 3 === 0).entries()) {
    for (const [glasses, beard] of [
      [true, true],
      [false, false],
      [at % 2 === 0, at % 2 === 1],
    ] as const) {
      const scene = { ...man, glasses, beard };
      const picture = drawScene(scene, { seconds: 0, loudness: (at % 4) / 3 }, size);
      const shifted = size === small && at % 2 === 0 ? [0.055, -0.055].map((by) => offColor(picture, by)) : [];
      for (const seen of [picture, ...shifted]) {
        for (const { name, met } of found(scene, [seen])) {
          expect(met, `${name} of ${JSON.stringify(scene)}`).toBe(name === 'glasses' ? glasses : beard);
        }
      }
    }
  }
});

test('they are found while the head sways', () => {
  const loudness = [0, 0.9, 0.3, 1, 0.5, 0.7];
  for (const man of men.filter((_, index) => index % 6 === 0)) {
    const scene = { ...man, glasses: true, beard: true };
    const { frames } = drawClip(scene, loudness, { fps: 2, size: small });
    expect(found(scene, frames).map(({ met }) => met)).not.toContain(false);
  }
});

test('a beard is looked for unless hair and skin are alike, whether the hair is named or not', () => {
  const asks = (man: Speaker, omitted: readonly 'hair'[] = []): boolean => {
    const footage = { fps: 2, frames: [drawScene(man, { seconds: 0, loudness: 0.5 }, small)] };
    return askedAttributes({ ...man, beard: true }, footage, new Set(omitted)).some(({ name }) => name === 'beard');
  };
  const distance = ({ skin, hair }: Speaker): number => colorDistance(skinTones[skin] ?? [0, 0, 0], hairColors[hair]);
  const alike = men.filter((man) => distance(man) < 0.15);
  const apart = men.filter((man) => distance(man) > 0.3);
  expect(alike.length).toBeGreaterThan(0);
  for (const man of alike) expect(asks(man), JSON.stringify(man)).toBe(false);
  for (const man of apart) {
    expect(asks(man), JSON.stringify(man)).toBe(true);
    if (man.hairStyle !== 'bald') expect(asks(man, ['hair'])).toBe(true);
  }
});

test('a tone of skin is the one that the cheeks show', () => {
  for (const man of men.filter((_, index) => index % 2 === 0)) {
    const scene = { ...man, glasses: true, beard: true };
    const footage = drawClip(scene, [1, 0.2], { fps: 2, size: small });
    expect(skinToneOf(footage, scene)).toBe(man.skin);
  }
});

test('nobody is asked for what the scene has not got', () => {
  const [man] = men;
  if (man === undefined) throw new Error('there are men');
  const plain = { ...man, glasses: false, beard: false };
  const footage = { fps: 2, frames: [drawScene(plain, { seconds: 0, loudness: 0.5 }, small)] };
  expect(askedAttributes(plain, footage).map(({ name }) => name)).toEqual(['kind', 'background', 'shirt', 'hair']);
});
