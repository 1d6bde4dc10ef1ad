import { expect, test } from 'vitest';
import { profileRate, type SoundProfile } from '../media/sound/sound-profile.ts';
import { findBeats } from './beats.ts';
import { cutCosts, divide, divideEvenly, snapped } from './cut-points.ts';

const fps = 25;

/** Sound of so many seconds that is loud but for pauses of 0.2 s in the middle of which are these moments. */
function speech(seconds: number, pauses: readonly number[]): SoundProfile {
  const isPause = (at: number): boolean => pauses.some((pause) => Math.abs(at / profileRate - pause) < 0.1);
  const loudness = Float32Array.from({ length: seconds * profileRate }, (_, at) => (isPause(at) ? -60 : -20));
  return { duration: seconds, isCut: false, loudness, onset: new Float32Array(loudness.length) };
}

test('parts end in pauses near the wanted length, not in the middle of sound', () => {
  const pauses = [1.5, 4.4, 9.2, 10.3, 13.5, 19];
  const ends = divide(0, 500, { min: 9, wanted: 125, max: 200 }, cutCosts('quiet', speech(20, pauses), fps));
  const seconds = ends.map((end) => end / fps);
  expect(seconds.at(-1)).toBe(20);
  for (const end of seconds.slice(0, -1)) {
    expect(Math.min(...pauses.map((pause) => Math.abs(pause - end)))).toBeLessThan(0.09);
  }
});

test('where nothing is quieter than the rest, parts have the wanted length', () => {
  const costs = cutCosts('quiet', speech(20, []), fps);
  expect(divide(0, 500, { min: 9, wanted: 125, max: 200 }, costs)).toEqual([125, 250, 375, 500]);
});

test('every part is of a length that the model makes, and they cover all frames', () => {
  for (let total = 9; total < 700; total += 13) {
    const ends = divide(100, 100 + total, { min: 9, wanted: 90, max: 90 }, () => 0);
    const lengths = ends.map((end, index) => end - (ends[index - 1] ?? 100));
    expect(lengths.every((length) => length >= 9 && length <= 90)).toBe(true);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(total);
  }
});

test('every so many frames, where the last part is not too short for the model', () => {
  expect(divideEvenly(0, 105, { min: 9, wanted: 50, max: 200 })).toEqual([50, 105]);
  expect(divideEvenly(0, 25, { min: 9, wanted: 12, max: 200 })).toEqual([12, 25]);
  expect(divideEvenly(0, 105, { min: 9, wanted: 50, max: 50 })).toEqual([50, 96, 105]);
  expect(divideEvenly(0, 30, { min: 9, wanted: 50, max: 200 })).toEqual([30]);
  expect(divideEvenly(7, 100, { min: 9, wanted: 50, max: 200 })).toEqual([57, 100]);
});

test('a cut for a prompt moves to a pause that is near, and stays where none is', () => {
  const costs = cutCosts('quiet', speech(20, [5.3, 12]), fps);
  expect(snapped(125, costs, fps) / fps).toBeCloseTo(5.3, 1);
  expect(snapped(200, costs, fps)).toBe(200);
});

test.for([60, 90, 128, 150])('beats at %i a minute are found', (tempo) => {
  const period = (60 / tempo) * profileRate;
  // Every other beginning is weaker, and there is noise.
  const onset = Float32Array.from({ length: 20 * profileRate }, (_, at) => {
    const isBeat = Math.abs(at - Math.round(Math.round(at / period) * period)) < 1;
    return (isBeat ? 20 : 0) + ((at * 7919) % 13) / 10;
  });
  const beats = findBeats(onset, profileRate).slice(2, -2);
  const distance = ((beats.at(-1) ?? 0) - (beats[0] ?? 0)) / (beats.length - 1);
  expect(beats.length).toBeGreaterThan(10);
  expect(distance / period).toBeCloseTo(1, 1);
  for (const beat of beats) expect(Math.abs(beat - Math.round(beat / period) * period)).toBeLessThan(2.5);
});

test('on beats, parts end on beats; silence has none', () => {
  const onset = Float32Array.from({ length: 1000 }, (_, at) => (at % 50 === 0 ? 20 : 0));
  const profile = { ...speech(10, []), onset };
  const ends = divide(0, 250, { min: 9, wanted: 60, max: 90 }, cutCosts('beat', profile, fps));
  for (const end of ends.slice(0, -1))
    expect(Math.abs((end / fps) * 2 - Math.round((end / fps) * 2))).toBeLessThan(0.1);
  expect(findBeats(new Float32Array(1000), profileRate)).toEqual([]);
});
