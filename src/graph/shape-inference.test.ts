import { expect, test } from 'vitest';
import { addDimensions, type Dimension, evaluateDimension, multiplyDimensions, symbol } from './dimension.ts';
import { Graph } from './graph.ts';
import { graphTargets } from './graph-target.ts';
import {
  affine,
  clip,
  multiply,
  reduceMaximum,
  reduceMean,
  reduceMinimum,
  reduceSum,
  reduceSumSquare,
  silu,
  tanh,
} from './operations/arithmetic.ts';
import { convolve, convolveTransposed } from './operations/convolution.ts';
import { linear } from './operations/layers.ts';
import {
  concat,
  expand,
  gather,
  pad,
  repeatPixels,
  reshape,
  slice,
  split,
  splitAxis,
  tile,
  transpose,
} from './operations/shapes.ts';
import { pseudoRandom } from './random.test-support.ts';
import { floatTensor } from './runtime/host-tensor.ts';
import { runOnce } from './runtime/session.ts';
import type { Value } from './value.ts';

type Random = (below: number) => number;
/** An operation on `x`; returns undefined where it does not apply. */
type Step = (x: Value, random: Random) => Value | undefined;

const axisOf = (x: Value, random: Random): number => random(x.shape.length);

const steps: Readonly<Record<string, Step>> = {
  transpose: (x, random) => {
    const order = x.shape.map((_, axis) => axis);
    for (let at = order.length - 1; at > 0; at--) {
      const other = random(at + 1);
      [order[at], order[other]] = [order[other] as number, order[at] as number];
    }
    return transpose(x, order);
  },
  merge: (x, random) => {
    if (x.shape.length < 3) return undefined;
    const axis = random(x.shape.length - 1);
    const merged = multiplyDimensions(...x.shape.slice(axis, axis + 2));
    return reshape(x, x.shape.toSpliced(axis, 2, merged));
  },
  reverse: (x) => reshape(x, x.shape.toReversed()),
  insert: (x, random) => (x.shape.length > 4 ? undefined : reshape(x, x.shape.toSpliced(axisOf(x, random), 0, 1))),
  splitAxis: (x, random) => (x.shape.length > 4 ? undefined : splitAxis(x, axisOf(x, random), [undefined, 2])),
  split: (x, random) => split(x, axisOf(x, random), [1, 2])[random(2)],
  concat: (x, random) => concat([x, tanh(x), x].slice(random(2)), axisOf(x, random)),
  slice: (x, random) => slice(x, axisOf(x, random), random(2), undefined, random(3) + 1),
  sliceEnd: (x, random) => {
    const axis = axisOf(x, random);
    const length = x.shape[axis] as Dimension;
    return slice(x, axis, addDimensions(length, -2), addDimensions(length, -random(2)));
  },
  pad: (x, random) => {
    const widths = (): number[] => x.shape.map(() => random(2));
    return pad(x, (['constant', 'edge'] as const)[random(2)] ?? 'edge', widths(), widths());
  },
  tile: (x, random) => {
    const repeats = x.shape.map(() => [1, 1, 2, symbol('a')][random(4)] as Dimension);
    return tile(x, repeats);
  },
  repeatPixels: (x, random) => (x.shape.length === 4 ? repeatPixels(x, random(3) + 1) : undefined),
  expand: (x, random) => {
    const axis = axisOf(x, random);
    return expand(reduceMean(x, [axis]), x.shape.with(axis, addDimensions(symbol('b'), 1)));
  },
  gather: (x) => gather(x, x.graph.constant([0, 0, 0], [3], 'int64')),
  reduce: (x, random) => {
    const axes = [...new Set([axisOf(x, random), axisOf(x, random)])];
    return [reduceSum(x, axes), reduceMaximum(x, axes), reduceSumSquare(x, axes)][random(3)];
  },
  broadcast: (x, random) => multiply(reduceMinimum(x, [axisOf(x, random)]), x),
  affine: (x) => silu(affine(clip(x, -1, 1), 2, 1)),
  linear: (x, random) => {
    const width = x.shape[1];
    if (x.shape.length !== 2 || typeof width !== 'number') return undefined;
    const out = random(4) + 1;
    return linear(
      x,
      x.graph.constant(new Array(out * width).fill(0.1), [out, width]),
      x.graph.constant(new Array(out).fill(1)),
    );
  },
  convolve: (x, random) => {
    const channels = x.shape[1];
    if (x.shape.length < 3 || x.shape.length > 5 || x.shape[0] !== 1 || typeof channels !== 'number') return undefined;
    const axes = x.shape.slice(2);
    const kernel = axes.map(() => random(3) + 1);
    const count = 2 * channels * kernel.reduce((product, length) => product * length, 1);
    return convolve(x, x.graph.constant(new Array(count).fill(0.1), [2, channels, ...kernel]), undefined, {
      strides: axes.map(() => random(2) + 1),
      dilations: axes.map(() => random(2) + 1),
      before: axes.map(() => random(3) + 2),
      after: axes.map(() => random(3) + 2),
    });
  },
  convolveTransposed: (x, random) => {
    const channels = x.shape[1];
    if (x.shape.length !== 4 || x.shape[0] !== 1 || x.shape[2] !== 1 || typeof channels !== 'number') return undefined;
    const kernel = random(3) + 3;
    const weight = x.graph.constant(new Array(channels * 2 * kernel).fill(0.1), [channels, 2, kernel]);
    return convolveTransposed(x, weight, x.graph.constant([0, 1]), random(3) + 1, random(2));
  },
};

const names = Object.keys(steps);

/** Refusals of the builder; anything else is a bug. */
const refusals = /cannot|does not split|does not divide|longer than its input|is not fixed/;

function grow(start: Value, random: Random): Map<string, Value> {
  const grown = new Map<string, Value>();
  let x = start;
  for (let attempt = 0; attempt < 24 && grown.size < 6; attempt++) {
    const name = names[random(names.length)] as string;
    try {
      const next = start.graph.scoped(name, () => steps[name]?.(x, random));
      if (next === undefined || elements(next) === 0 || elements(next) > 20_000) continue;
      x = next;
      grown.set(`${grown.size}_${name}`, x);
    } catch (error) {
      if (!refusals.test(String(error))) throw error;
    }
  }
  return grown;
}

const sizes = new Map([
  ['a', 3],
  ['b', 4],
  ['c', 5],
]);
const lengthOf = (dimension: Dimension): number => evaluateDimension(dimension, sizes) as number;
const elements = ({ shape }: Value): number => shape.map(lengthOf).reduce((product, length) => product * length, 1);

const [a, b, c] = [symbol('a'), symbol('b'), symbol('c')];
const starts: readonly (readonly Dimension[])[] = [
  [a, b],
  [1, 4, addDimensions(multiplyDimensions(2, c), 1)],
  [1, 2, a, multiplyDimensions(2, b)],
  [1, 2, addDimensions(multiplyDimensions(4, a), -3), b, 4],
  [addDimensions(c, 2), 6],
];

test.for(starts.map((shape) => [String(shape), shape] as const))(
  'the shapes the builder infers from [%s] are those the runtime returns',
  async ([, shape]) => {
    const tried = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const random = pseudoRandom(seed);
      const g = new Graph(graphTargets.cpu);
      const x = g.input('x', 'float32', shape);
      // The other symbols need an input that carries them.
      const sizesInput = g.input('sizes', 'float32', [a, b, c]);
      g.output('sizes_out', sizesInput);
      const grown = grow(x, random);
      for (const [name, value] of grown) g.output(name, value);
      const results = await runOnce(g.build(), {
        x: floatTensor(new Float32Array(elements(x)).fill(0.5), shape.map(lengthOf)),
        sizes: floatTensor(new Float32Array(60), [3, 4, 5]),
      });
      for (const [name, value] of grown) {
        tried.add(name.split('_')[1] as string);
        expect([seed, name, results[name]?.shape]).toEqual([seed, name, value.shape.map(lengthOf)]);
      }
    }
    expect(tried.size).toBeGreaterThan(12);
  },
);

test('a computed length of zero is a length, not a request to copy', async () => {
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [a, b]);
  g.output('y', reshape(slice(x, 1, 1), [addDimensions(b, -1), 1, a]));
  const empty = await runOnce(g.build(), { x: floatTensor(new Float32Array(3), [3, 1]) });
  expect(empty.y?.shape).toEqual([0, 1, 3]);
});

test.for([
  ['a slice beyond the end', (x: Value) => slice(x, 1, 0, 7)],
  ['a slice from before the start', (x: Value) => slice(x, 1, -1, 2)],
  ['a slice of nothing known to be negative', (x: Value) => slice(x, 1, 3, 2)],
  ['a slice past a symbolic end', (x: Value) => slice(x, 0, 0, addDimensions(a, 1))],
  ['an axis transposed twice', (x: Value) => transpose(x, [0, 0])],
  ['an expansion of a long axis', (x: Value) => expand(x, [a, 12])],
  ['a reduction over an axis from behind', (x: Value) => reduceSum(x, [-1])],
  ['a bias of another length', (x: Value) => linear(x, x.graph.constant(new Array(6).fill(0), [1, 6]), x)],
  ['a kernel of another rank', (x: Value) => convolve(x, x.graph.constant(new Array(12).fill(0), [2, 6, 1]), x)],
  ['constants that do not fill their shape', ({ graph }: Value) => graph.constant([1, 2], [3])],
] as const)('%s is refused', ([, build]) => {
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [a, 6]);
  expect(() => build(x)).toThrow(/cannot|bad|do not fill/);
});

test('tensors of two graphs are not mixed', () => {
  const [one, other] = [0, 1].map(() => new Graph(graphTargets.cpu).input('x', 'float32', [a, 6])) as [Value, Value];
  expect(() => multiply(one, other)).toThrow('takes a tensor of another graph: x float32 [a, 6]');
});
