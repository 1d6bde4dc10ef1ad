import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { quantizedLinear } from '../operations/quantized.ts';
import { cast } from '../operations/shapes.ts';
import { floatTensor } from './host-tensor.ts';
import { floats, runOnce } from './session.ts';

/** The largest integers of eight bits, and those whose products always fit in pairs into 16 bits. */
const [all, half] = [127, 63];
const [inputs, outputs] = [64, 16];

/**
 * The largest integer that weights of products in eight bits may have here. Processors without an instruction for such products
 * (AVX2 without VNNI) add them up in pairs of 16 bits, which hold no more than half of the range.
 *
 * @throws SoundstageError `device` if the runtime has no such products
 */
export async function integerLimit(): Promise<number> {
  const graph = new Graph(graphTargets.cpu);
  const x = graph.input('x', 'float32', [1, inputs]);
  const values = cast(graph.constant(new Array(inputs * outputs).fill(all), [inputs, outputs]), 'int8');
  graph.output('y', quantizedLinear(x, { values, scales: graph.constant(new Array(outputs).fill(1)) }));
  const ones = floatTensor(new Float32Array(inputs).fill(1), [1, inputs]);
  const { data } = floats(await runOnce(graph.build(), { x: ones }, { threads: 1 }), 'y');
  return data.every((sum) => Math.abs(sum - inputs * all) < 1) ? all : half;
}
