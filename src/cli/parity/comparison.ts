import type { HostTensor } from '../../graph/runtime/host-tensor.ts';
import type { Tolerance } from './parity-case.ts';

export interface Comparison {
  readonly output: string;
  readonly passed: boolean;
  readonly maxAbs: number;
  readonly relL2: number;
  /** Why it failed, if for another reason than the distance. */
  readonly complaint?: string;
}

/**
 * Compares one output with its recording: same shape; integers equal; floats and bytes within both bounds. A recording
 * of all zeros is held to `max_abs` alone.
 */
export function compare(
  output: string,
  expected: HostTensor,
  actual: HostTensor | undefined,
  tolerance: Tolerance,
): Comparison {
  const failed = (complaint: string): Comparison => ({
    output,
    passed: false,
    maxAbs: Number.POSITIVE_INFINITY,
    relL2: Number.POSITIVE_INFINITY,
    complaint,
  });
  if (actual === undefined) return failed('not computed');
  if (actual.dtype !== expected.dtype) return failed(`is ${actual.dtype}, not ${expected.dtype}`);
  if (String(actual.shape) !== String(expected.shape))
    return failed(`has shape [${actual.shape}], not [${expected.shape}]`);
  const { maxAbs, relL2, zero } = distance(expected, actual);
  if (expected.dtype === 'int32') return { output, passed: maxAbs === 0, maxAbs, relL2 };
  // Written so that NaN fails.
  const passed = maxAbs <= tolerance.max_abs && (zero || relL2 <= tolerance.rel_l2);
  return { output, passed, maxAbs, relL2 };
}

function distance(expected: HostTensor, actual: HostTensor): { maxAbs: number; relL2: number; zero: boolean } {
  let maxAbs = 0;
  let squares = 0;
  let reference = 0;
  for (let index = 0; index < expected.data.length; index++) {
    const wanted = Number(expected.data[index]);
    const difference = Math.abs(Number(actual.data[index]) - wanted);
    if (difference > maxAbs || Number.isNaN(difference)) maxAbs = difference;
    squares += difference * difference;
    reference += wanted * wanted;
  }
  return { maxAbs, relL2: Math.sqrt(squares) / Math.sqrt(reference || 1), zero: reference === 0 };
}
