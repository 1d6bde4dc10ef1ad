import { elementAt } from '../../shared/element-at.ts';
import { addDimensions, type Dimension, divideExactly, multiplyDimensions } from '../dimension.ts';
import { axisLength, knownLength, type Value } from '../value.ts';
import { add, affine, subtract } from './arithmetic.ts';
import { concat, pad, reshape, slice, transpose } from './shapes.ts';

// Minimal filtering F(4, 3) along one axis of a 3×3×3 convolution (Winograd 1980; Lavin & Gray 2016, arXiv:1509.09308): six products
// instead of twelve make four neighboring outputs, for a few sums before and after. Its numbers are small enough for float32: results
// are off by some 5e-6 of their size, as sums in another order are by 1e-6.

/** Outputs that are made at once, of so many inputs. */
const [outputsAtOnce, inputsAtOnce] = [4, 6];
/** Below, the sums cost more than the products that they save. */
const leastChannels = 32;

/**
 * Where a 3×3×3 convolution is worth filtering: the axis, frames (2) rather than rows (3), and what has to be added to its length to
 * make it whole groups. Undefined where it is not.
 *
 * @param lengths of the result
 */
export function filteredAxis(
  x: Value,
  weight: Value,
  [frames = 0, rows = 0]: readonly Dimension[],
): { readonly axis: 2 | 3; readonly missing: number } | undefined {
  if (!x.graph.target.filtersConvolutions || Math.min(knownLength(x, 1), knownLength(weight, 0)) < leastChannels)
    return undefined;
  const choices = ([2, 3] as const).flatMap((axis) => {
    const length = axis === 3 ? rows : frames;
    if (typeof length !== 'number') {
      return divideExactly(length, outputsAtOnce) === undefined ? [] : [{ axis, missing: 0, share: 1 }];
    }
    const missing = (outputsAtOnce - (length % outputsAtOnce)) % outputsAtOnce;
    return [{ axis, missing, share: length / (length + missing) }];
  });
  const best = choices.toSorted((a, b) => b.share - a.share)[0];
  return best === undefined || best.share < 0.7 ? undefined : best;
}

/**
 * A 3×3×3 convolution without padding, filtered along `axis`, whose length is brought to whole groups by `missing` zeros behind:
 * `x [1, C, T+2, H+2, W+2]`, weight `[C', C, 3, 3, 3]` → `[1, C', T, H, W]`.
 */
export function convolveFiltered(
  x: Value,
  weight: Value,
  bias: Value | undefined,
  { axis, missing }: { readonly axis: 2 | 3; readonly missing: number },
): Value {
  const [one, C, frames, ...pixels] = x.shape;
  const taps = [0, 1, 2].map((tap) => slice(weight, axis, tap, tap + 1)) as Three; // [C', C, 1, 3, 3] or [C', C, 3, 1, 3]
  if (one === undefined || C === undefined || frames === undefined) throw new Error('unreachable');
  if (axis === 3) return filtered(x, taps, bias, 3, missing); // [1, C', T, H, W]
  // What is left is a convolution of pictures, for which the runtime is faster.
  const pictures = reshape(transpose(x, [0, 2, 1, 3, 4]), [frames, C, ...pixels]); // [T+2, C, H+2, W+2]
  const flat = taps.map((tap) => reshape(tap, [...tap.shape.slice(0, 2), ...tap.shape.slice(3)])) as Three; // [C', C, 3, 3]
  const y = filtered(pictures, flat, bias, 0, missing); // [T, C', H, W]
  return transpose(reshape(y, [one, ...y.shape]), [0, 2, 1, 3, 4]);
}

/** Filters along `axis`; along the others, the kernels are those of an ordinary convolution without padding. */
function filtered(x: Value, taps: Three, bias: Value | undefined, axis: number, missing: number): Value {
  const length = addDimensions(axisLength(x, axis), -2);
  const whole = missing === 0 ? x : pad(x, 'constant', zeros(x), zeros(x).with(axis, missing));
  const groups = divideExactly(addDimensions(length, missing), outputsAtOnce);
  if (groups === undefined) throw x.graph.mismatch('cannot filter', x);
  const span = multiplyDimensions(addDimensions(groups, -1), outputsAtOnce);
  const inputs = Array.from({ length: inputsAtOnce }, (_, at) =>
    slice(whole, axis, at, addDimensions(span, at + 1), outputsAtOnce),
  ) as Six; // each with n instead of the length
  const kernels = transformedKernel(taps);
  // The second product is in every output, once.
  const products = transformedInput(inputs).map((part, at) =>
    valid(part, elementAt(kernels, at), at === 1 ? bias : undefined),
  ) as Six;
  const outputs = transformedOutput(products);
  const { shape } = outputs[0];
  const apart = outputs.map((part) => reshape(part, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]));
  const joined = reshape(concat(apart, axis + 1), shape.with(axis, addDimensions(length, missing)));
  return missing === 0 ? joined : slice(joined, axis, 0, length);
}

type Three = [Value, Value, Value];
type Six = [Value, Value, Value, Value, Value, Value];

/** The taps of a kernel for each of the six products. */
function transformedKernel([g0, g1, g2]: Three): Six {
  const [outer, inner] = [affine(add(g0, g2), -1 / 6), affine(g1, 1 / 6)];
  const [far, near] = [add(affine(g0, 1 / 24), affine(g2, 1 / 6)), affine(g1, 1 / 12)];
  return [affine(g0, 1 / 4), subtract(outer, inner), add(outer, inner), add(far, near), subtract(far, near), g2];
}

function transformedInput([d0, d1, d2, d3, d4, d5]: Six): Six {
  const [a, b] = [subtract(d4, affine(d2, 4)), subtract(d3, affine(d1, 4))];
  const [c, d] = [subtract(d4, d2), affine(subtract(d3, d1), 2)];
  // 4·d0 − 5·d2 + d4 and 4·d1 − 5·d3 + d5, in what is there.
  const first = add(c, affine(subtract(d0, d2), 4));
  const last = subtract(subtract(d5, d3), affine(d, 2));
  return [first, add(a, b), subtract(a, b), add(c, d), subtract(c, d), last];
}

function transformedOutput([m0, m1, m2, m3, m4, m5]: Six): [Value, Value, Value, Value] {
  const [p, q, r, s] = [add(m1, m2), subtract(m1, m2), add(m3, m4), subtract(m3, m4)];
  return [add(add(m0, p), r), add(q, affine(s, 2)), add(p, affine(r, 4)), add(add(q, affine(s, 8)), m5)];
}

/** A convolution without padding, which is counted by whoever is made of it. */
function valid(x: Value, weight: Value, bias: Value | undefined): Value {
  const lengths = x.shape.slice(2).map((length, axis) => addDimensions(length, 1 - knownLength(weight, axis + 2)));
  const shape = [axisLength(x, 0), axisLength(weight, 0), ...lengths];
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
  const ones = lengths.map(() => 1);
  const pads = lengths.flatMap(() => [0, 0]);
  return x.graph.node('Conv', inputs, shape, { attributes: { strides: ones, dilations: ones, group: 1, pads } });
}

function zeros(x: Value): number[] {
  return new Array<number>(x.shape.length).fill(0);
}
