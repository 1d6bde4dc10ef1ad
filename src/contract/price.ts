import { endpoint } from './endpoint.ts';

const pixelsPerUnit = 1_000_000;
/** US dollars are rounded to these, thousandths of a cent, lest they show the rounding errors of sums and averages. */
const stepsPerDollar = 100_000;

/**
 * Megapixels billed for a clip: `width × height × frames`, rounded up to whole megapixels.
 *
 * @throws RangeError for anything but whole numbers that are not negative
 */
export function megapixels(width: number, height: number, frames: number): number {
  const pixels = width * height * frames;
  const sound = [width, height, frames].every((factor) => Number.isSafeInteger(factor) && factor >= 0);
  if (!sound || !Number.isSafeInteger(pixels))
    throw new RangeError(`no clip has ${width} × ${height} × ${frames} pixels`);
  const rest = pixels % pixelsPerUnit;
  return (pixels - rest) / pixelsPerUnit + (rest === 0 ? 0 : 1);
}

/** US dollars for a number of megapixels. */
export function cost(units: number): number {
  return roundedCost(units * endpoint.price.unitPrice);
}

/** US dollars as they are shown: to the thousandth of a cent. */
export function roundedCost(dollars: number): number {
  return Math.round(dollars * stepsPerDollar) / stepsPerDollar;
}
