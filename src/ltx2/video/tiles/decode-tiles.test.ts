import { expect, test } from 'vitest';
import { decodeTiles, defaultTiling } from './decode-tiles.ts';

const bounds = (tiles: readonly { start: number; end: number }[]) => tiles.map(({ start, end }) => [start, end]);

test('a clip that fits in one tile is not blended', () => {
  const { time, height, width } = decodeTiles({ frames: 8, height: 12, width: 16 }, defaultTiling);
  expect([time, height, width].map((axis) => axis.length)).toEqual([1, 1, 1]);
  expect(time[0]).toMatchObject({ outputStart: 0, outputEnd: 57 });
  expect([...(time[0]?.weights ?? [])]).toEqual(new Array(57).fill(1));
});

test('the shorter side gets its share of the tile, halves rounded to even', () => {
  const tiling = { ...defaultTiling, tilePixels: 320, overlapPixels: 32 };
  // 10 · 7 / 20 = 3.5 → 4 and 10 · 9 / 20 = 4.5 → 4.
  expect(bounds(decodeTiles({ frames: 1, height: 7, width: 20 }, tiling).height)[0]).toEqual([0, 4]);
  expect(bounds(decodeTiles({ frames: 1, height: 9, width: 20 }, tiling).height)[0]).toEqual([0, 4]);
});

test('a later tile in time starts one latent early, and its ramp is complementary to the fall before it', () => {
  const { time } = decodeTiles({ frames: 16, height: 2, width: 2 }, defaultTiling);
  expect(bounds(time)).toEqual([
    [0, 8],
    [4, 13],
    [9, 16],
  ]);
  const [first, second] = time;
  for (let frame = 32; frame < 57; frame++) {
    const sum = (first?.weights[frame] ?? 0) + (second?.weights[frame - 32] ?? 0);
    expect(sum).toBeCloseTo(1, 6);
  }
});

test.for([
  { tilePixels: 500 },
  { tilePixels: 64, overlapPixels: 64 },
  { overlapPixels: 0 },
  { tileFrames: 8 },
  { tileFrames: 60 },
  { tileFrames: 24, overlapFrames: 24 },
])('a tiling that cannot be decoded is refused: %o', (change) => {
  const size = { frames: 16, height: 24, width: 32 };
  expect(() => decodeTiles(size, { ...defaultTiling, ...change })).toThrow(RangeError);
});
