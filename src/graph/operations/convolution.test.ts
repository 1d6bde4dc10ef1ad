import { expect, test } from 'vitest';
import { seededNormals } from '../../ltx2/sampling/noise.ts';
import { elementAt } from '../../shared/element-at.ts';
import { symbol } from '../dimension.ts';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { floatTensor } from '../runtime/host-tensor.ts';
import { floats, runOnce } from '../runtime/session.ts';
import { convolveTransposed } from './convolution.ts';
import { repeatPixels } from './shapes.ts';

const [inputs, outputs] = [3, 2];

test.for([
  // The vocoder's own: 16/6, 15/5, 8/2 and 4/2.
  { width: 16, stride: 6, padding: 5, length: 4 },
  { width: 15, stride: 5, padding: 5, length: 3 },
  { width: 8, stride: 2, padding: 3, length: 5 },
  { width: 4, stride: 2, padding: 1, length: 1 },
  { width: 3, stride: 1, padding: 1, length: 4 },
  { width: 3, stride: 4, padding: 0, length: 3 },
])('a transposed convolution adds each input times the kernel where it belongs: %o', async (form) => {
  const { width, stride, padding, length } = form;
  const [x, w, b] = [inputs * length, inputs * outputs * width, outputs].map((count, stream) =>
    seededNormals(7, stream, count),
  ) as [Float32Array, Float32Array, Float32Array];
  const grown = (length - 1) * stride + width - 2 * padding;
  const expected = new Float32Array(outputs * grown);
  for (let out = 0; out < outputs; out++) {
    expected.fill(elementAt(b, out), out * grown, (out + 1) * grown);
    for (let channel = 0; channel < inputs; channel++) {
      for (let at = 0; at < length * width; at++) {
        const [step, tap] = [Math.floor(at / width), at % width];
        const to = step * stride + tap - padding;
        if (to < 0 || to >= grown) continue;
        const product = elementAt(x, channel * length + step) * elementAt(w, (channel * outputs + out) * width + tap);
        expected[out * grown + to] = elementAt(expected, out * grown + to) + product;
      }
    }
  }

  const graph = new Graph(graphTargets.cpu);
  const given = graph.input('x', 'float32', [1, inputs, 1, symbol('n')]);
  const kernel = graph.input('w', 'float32', [inputs, outputs, width]);
  graph.output('y', convolveTransposed(given, kernel, graph.input('b', 'float32', [outputs]), stride, padding));
  const feeds = {
    x: floatTensor(x, [1, inputs, 1, length]),
    w: floatTensor(w, [inputs, outputs, width]),
    b: floatTensor(b, [outputs]),
  };
  const { data, shape } = floats(await runOnce(graph.build(), feeds), 'y');
  expect(shape).toEqual([1, outputs, 1, grown]);
  for (const [at, value] of expected.entries()) expect(data[at]).toBeCloseTo(value, 5);
});

test('pixels are repeated to the right and below', async () => {
  const graph = new Graph(graphTargets.cpu);
  graph.output('y', repeatPixels(graph.input('x', 'float32', [1, 1, 2, symbol('w')]), 2));
  const { data, shape } = floats(
    await runOnce(graph.build(), { x: floatTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 1, 2, 3]) }),
    'y',
  );
  expect(shape).toEqual([1, 1, 4, 6]);
  expect([...data]).toEqual([1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 4, 4, 5, 5, 6, 6]);
});
