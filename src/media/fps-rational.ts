import type { Rational } from './media-info.ts';

const maxDenominator = 1000;
/** Two rates are the same when a ten-hour clip would not drift by a frame. */
const tolerance = 1e-6;

/**
 * The exact frame rate that a decimal number stands for: whole numbers as they are, 23.976 and its kin as n·1000/1001,
 * else the fraction with the smallest denominator up to 1000 that equals it, else thousandths.
 */
export function fpsRational(fps: number): Rational {
  if (!(fps > 0 && Number.isFinite(fps))) throw new RangeError(`frame rate ${fps} is not a positive number`);
  if (Number.isInteger(fps)) return { num: fps, den: 1 };
  const whole = Math.ceil(fps);
  if (Math.abs(fps - (whole * 1000) / 1001) < 0.005) return { num: whole * 1000, den: 1001 };
  for (let den = 2; den <= maxDenominator; den++) {
    const num = Math.round(fps * den);
    if (num > 0 && Math.abs(num / den - fps) <= tolerance) return { num, den };
  }
  return { num: Math.max(1, Math.round(fps * 1000)), den: 1000 };
}
