/** All prices are in US dollars. */
export const currency = 'USD';

/** What an endpoint costs. */
export interface Price {
  readonly unitPrice: number;
  readonly unit: string;
  /** The same in words. */
  readonly text: string;
}

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

/** The price of an endpoint that costs so many US dollars per megapixel. */
export function pricePerMegapixel(unitPrice: number): Price {
  const example = cost(megapixels(1280, 720, 121), { unitPrice });
  return Object.freeze({
    unitPrice,
    unit: 'megapixels',
    text:
      `Your request will cost $${unitPrice} per megapixel of generated video data (width × height × frames), rounded up. ` +
      'For example, if you generate a video that is 121 frames long at 1280 × 720, your total generated video is ' +
      `≈112 MP, and your request will cost $${example}.`,
  });
}

/** US dollars for a number of megapixels. */
export function cost(units: number, { unitPrice }: Pick<Price, 'unitPrice'>): number {
  return roundedCost(units * unitPrice);
}

/** US dollars as they are shown: to the thousandth of a cent. */
export function roundedCost(dollars: number): number {
  return Math.round(dollars * stepsPerDollar) / stepsPerDollar;
}
