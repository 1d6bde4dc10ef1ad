/**
 * Runs a chain of matrix products over every matrix of a file, in place, in a process of its own, so that its memory
 * can be watched from outside: says `ready`, waits for any message, runs, says `done`.
 */

import { once } from 'node:events';
import { symbol } from '../dimension.ts';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { tanh } from '../operations/arithmetic.ts';
import { linear } from '../operations/layers.ts';
import { floatTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { readSafetensorsHeader } from './safetensors.ts';

const { tensors } = await readSafetensorsHeader(process.argv[2] ?? '');
const g = new Graph(graphTargets.cpu);
const width = [...tensors.values()][0]?.shape[0] ?? 0;
let x = g.input('x', 'float32', [symbol('n'), width]);
for (const stored of tensors.values()) x = tanh(linear(x, g.weight(stored)));
g.output('y', x);
// What the runtime's library takes by itself is not the subject: load it before `ready`.
const empty = new Graph(graphTargets.cpu);
empty.output('y', tanh(empty.input('x', 'float32', [1])));
await (await Session.open(empty.build()))[Symbol.asyncDispose]();

process.send?.('ready');
await once(process, 'message');
{
  await using session = await Session.open(g.build(), { threads: 2 });
  for (let run = 0; run < 3; run++) await session.run({ x: floatTensor(new Float32Array(4 * width), [4, width]) });
}
process.send?.('done');
process.disconnect();
