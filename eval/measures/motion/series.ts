import { elementAt } from '../../../src/shared/element-at.ts';

/** Pearson's correlation of two series of equal length, −1…1; 0 where one of them is constant. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const length = Math.min(a.length, b.length);
  const [meanA, meanB] = [mean(a, length), mean(b, length)];
  let [product, squareA, squareB] = [0, 0, 0];
  for (let at = 0; at < length; at++) {
    const [x, y] = [elementAt(a, at) - meanA, elementAt(b, at) - meanB];
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA < 1e-12 || squareB < 1e-12 ? 0 : product / Math.sqrt(squareA * squareB);
}

/** By how many frames `follower` comes after `leader` where they agree best; negative if it comes before. */
export function bestLag(follower: readonly number[], leader: readonly number[], max: number): number {
  let [best, lag] = [Number.NEGATIVE_INFINITY, 0];
  // Small lags first, so that a tie is no lag.
  for (const tried of lagsUpTo(max)) {
    const found = correlation(
      follower.slice(Math.max(0, tried), follower.length + Math.min(0, tried)),
      leader.slice(Math.max(0, -tried), leader.length - Math.max(0, tried)),
    );
    if (found > best + 1e-9) [best, lag] = [found, tried];
  }
  return lag;
}

function lagsUpTo(max: number): number[] {
  return [0, ...Array.from({ length: max }, (_, at) => [at + 1, -at - 1]).flat()];
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  if (sorted.length % 2 === 1) return elementAt(sorted, Math.floor(middle));
  return (elementAt(sorted, middle - 1) + elementAt(sorted, middle)) / 2;
}

export function mean(values: ArrayLike<number>, length: number = values.length): number {
  let sum = 0;
  for (let at = 0; at < length; at++) sum += elementAt(values, at);
  return sum / length;
}

export function deviation(values: ArrayLike<number>): number {
  const middle = mean(values);
  return Math.sqrt(
    mean(
      Array.from(values, (value) => (value - middle) ** 2),
      values.length,
    ),
  );
}

/** Whether every value is above the next one. */
export function fallsMonotonically(values: readonly number[]): boolean {
  return values.every((value, at) => at === 0 || value < elementAt(values, at - 1));
}
