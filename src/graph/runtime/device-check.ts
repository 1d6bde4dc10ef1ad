import { Graph } from '../graph.ts';
import type { GraphModel } from '../graph-model.ts';
import { type DeviceKind, fallbackDevice, graphTargets } from '../graph-target.ts';
import { gelu } from '../operations/arithmetic.ts';
import { scaledDotProductAttention } from '../operations/attention.ts';
import { convolve } from '../operations/convolution.ts';
import { linear, rmsNormalize } from '../operations/layers.ts';
import { reshape } from '../operations/shapes.ts';
import type { DeviceReport } from './device-probe.ts';
import { floatTensor } from './host-tensor.ts';
import { floats, Session } from './session.ts';

/** As wide as the transformer's heads, and with enough rows for the kernels that it runs on. */
const [rows, heads, headDim] = [512, 2, 128];
const width = heads * headDim;

/** Runs the operators the networks lean on and compares with the fallback: a device that opens but computes wrongly fails. */
export async function probeDevice(device: DeviceKind): Promise<DeviceReport> {
  try {
    const [expected, actual] = [await run(fallbackDevice), await run(device)];
    const error = relativeError(expected, actual);
    if (error <= graphTargets[device].tolerance) return { device, usable: true };
    return { device, usable: false, reason: `it computes wrongly (relative error ${error.toExponential(1)})` };
  } catch (error) {
    // What is wrong with CUDA is put in words by whoever knows more of the machine, and needs all that was said.
    if (device === 'cuda') return { device, usable: false, reason: messageOf(causeOf(error)) };
    const [line = 'unknown error'] = messageOf(error).split('\n');
    return { device, usable: false, reason: line };
  }
}

async function run(device: DeviceKind): Promise<Float32Array> {
  const values = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.13));
  const x = floatTensor(values, [rows, width]);
  await using session = await Session.open(checkGraph(device));
  return floats(await session.run({ x }), 'y').data;
}

/** Norm, linear layer, fused attention, GELU and a 3-D convolution. */
function checkGraph(device: DeviceKind): GraphModel {
  const g = new Graph(graphTargets[device]);
  const x = rmsNormalize(g.activation('x', [rows, width]), 1e-6); // [rows, width]
  const weight = g.constant(
    Array.from({ length: width * width }, (_, i) => Math.sin(i * 0.37) / Math.sqrt(width)),
    [width, width],
  );
  const attended = scaledDotProductAttention(linear(x, weight), x, x, heads); // [rows, width]
  const kernel = g.constant(
    Array.from({ length: 27 }, (_, i) => Math.cos(i) / 9),
    [1, 1, 3, 3, 3],
  );
  const volume = reshape(gelu(attended), [1, 1, 4, rows / 4, width]);
  const convolved = convolve(volume, kernel, undefined, { before: [1, 1, 1] });
  g.output('y', reshape(convolved, [rows, width]));
  return g.build();
}

function relativeError(expected: Float32Array, actual: Float32Array): number {
  let [difference, norm] = [0, 0];
  expected.forEach((value, i) => {
    difference += (value - (actual[i] ?? Number.NaN)) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? causeOf(error.cause) : error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
