// Computes attention over 256 tokens with eight heads of 128 channels on CUDA.
import { Graph } from '../../src/graph/graph.ts';
import { graphTargets } from '../../src/graph/graph-target.ts';
import { scaledDotProductAttention } from '../../src/graph/operations/attention.ts';
import { floatTensor } from '../../src/graph/runtime/host-tensor.ts';
import { runOnce } from '../../src/graph/runtime/session.ts';

const [tokens, heads, headDim] = [256, 8, 128];
const g = new Graph(graphTargets.cuda);
const x = g.activation('x', [tokens, heads * headDim]);
g.output('y', scaledDotProductAttention(x, x, x, heads));
await runOnce(g.build(), { x: floatTensor(new Float32Array(tokens * heads * headDim), [tokens, heads * headDim]) });
