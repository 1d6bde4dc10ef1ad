// Multiplies a matrix on CUDA, as often as it is told, and prints how each time went: the program of a test.
import { Graph } from '../../src/graph/graph.ts';
import { graphTargets } from '../../src/graph/graph-target.ts';
import { linear } from '../../src/graph/operations/layers.ts';
import { floatTensor } from '../../src/graph/runtime/host-tensor.ts';
import { runOnce } from '../../src/graph/runtime/session.ts';

const graph = new Graph(graphTargets.cuda);
const x = graph.activation('x', [32, 64]);
graph.output('y', linear(x, graph.constant(new Array(16 * 64).fill(1), [16, 64])));
const model = graph.build();
for (let time = 0; time < Number(process.argv[2]); time++) {
  const result = await runOnce(model, { x: floatTensor(new Float32Array(32 * 64), [32, 64]) }).then(
    ({ y }) => `${y?.shape}`,
    (error: Error) => error.message.replaceAll('\n', ' '),
  );
  process.stdout.write(`${result}\n`);
}
