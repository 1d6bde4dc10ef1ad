import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { floatTensor } from '../runtime/host-tensor.ts';
import { floats, runOnce } from '../runtime/session.ts';
import { openCheckpoint, storedTensor } from './checkpoint.ts';
import { linearByRows, rowBlocks } from './linear-by-rows.ts';

const bundle = await openCheckpoint(
  join(import.meta.dirname, '../../../test/fixtures/parity/checkpoint/ltx-2-tiny.safetensors'),
);
const stored = storedTensor(bundle, 'text_embedding_projection.aggregate_embed.weight'); // [48, 384]

test('blocks of rows cover a matrix without gaps', () => {
  const blocks = rowBlocks(stored, 384 * 20);
  expect(blocks.map(({ shape }) => shape[0])).toEqual([20, 20, 8]);
  let end = stored.offset;
  for (const { offset, length } of blocks) {
    expect(offset).toBe(end);
    end += length;
  }
  expect(end).toBe(stored.offset + stored.length);
  expect(rowBlocks(stored, 1)).toHaveLength(48);
});

test('block by block equals at once', async () => {
  const x = floatTensor(
    Float32Array.from({ length: 2 * 384 }, (_, at) => Math.sin(at)),
    [2, 384],
  );
  const multiply = async (elements: number) => {
    const g = new Graph(graphTargets.cpu);
    g.output('y', linearByRows(g.input('x', 'float32', [2, 384]), stored, elements));
    return floats(await runOnce(g.build(), { x }), 'y');
  };
  const whole = await multiply(384 * 48);
  expect(whole.shape).toEqual([2, 48]);
  const blocks = await multiply(384 * 7);
  for (const [at, value] of blocks.data.entries()) expect(value).toBeCloseTo(whole.data[at] as number, 5);
});

test('a weight that needs no widening is one matrix, used in place', () => {
  const g = new Graph(graphTargets.cuda);
  linearByRows(g.activation('x', [2, 384]), stored, 384);
  expect(g.build().weightElements).toBe(48 * 384);
});
