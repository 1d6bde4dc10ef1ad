import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { multiplyDimensions, symbol } from '../dimension.ts';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { add, multiply, tanh } from '../operations/arithmetic.ts';
import { linear } from '../operations/layers.ts';
import { concat, reshape, transpose } from '../operations/shapes.ts';
import { readSafetensorsHeader, type SafetensorsHeader } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { readStoredFloats } from '../weights/stored-tensor-values.ts';
import { floatTensor } from './host-tensor.ts';
import { floats, runOnce, Session } from './session.ts';

let folder: string;
let weights: SafetensorsHeader;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-session-'));
  const path = join(folder, 'weights.safetensors');
  // bf16 keeps the upper half of a float32.
  const bf16 = (values: number[]) =>
    new Uint8Array(
      Uint16Array.from(values, (value) => {
        return (new Uint32Array(Float32Array.of(value).buffer)[0] as number) >>> 16;
      }).buffer,
    );
  await writeSafetensors(path, [
    { name: 'w', dtype: 'bfloat16', shape: [2, 3], bytes: () => bf16([1, 2, 3, -1, 0.5, 4]) },
    { name: 'b', dtype: 'float32', shape: [2], bytes: () => new Uint8Array(Float32Array.of(10, 20).buffer) },
    { name: 'f8', dtype: 'float8e4m3', shape: [2], bytes: () => Uint8Array.of(0x38, 0xc4) },
    { name: 'none', dtype: 'bfloat16', shape: [0, 3], bytes: () => new Uint8Array(0) },
    { name: 'none_back', dtype: 'bfloat16', shape: [2, 0], bytes: () => new Uint8Array(0) },
    { name: 'all_f8', dtype: 'float8e4m3', shape: [256], bytes: () => Uint8Array.from({ length: 256 }, (_, at) => at) },
    { name: 'f8_scale', dtype: 'float32', shape: [], bytes: () => new Uint8Array(Float32Array.of(0.5).buffer) },
  ]);
  weights = await readSafetensorsHeader(path);
});
afterAll(() => rm(folder, { recursive: true }));

function stored(name: string) {
  const tensor = weights.tensors.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  return tensor;
}

test('weights are used in place, widened in the graph, for any number of rows', async () => {
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [symbol('n'), 3]);
  g.output('y', linear(x, g.weight(stored('w')), g.weight(stored('b'))));
  await using session = await Session.open(g.build());
  const two = await session.run({ x: floatTensor(Float32Array.of(1, 0, 0, 1, 1, 1), [2, 3]) });
  expect(two.y).toEqual(floatTensor(Float32Array.of(11, 19, 16, 23.5), [2, 2]));
  const one = await session.run({ x: floatTensor(Float32Array.of(0, 0, 1), [1, 3]) });
  expect(one.y?.data).toEqual(Float32Array.of(13, 24));
});

test('fp8 weights are multiplied by their scale', async () => {
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [2]);
  g.output('y', multiply(x, g.weight(stored('f8'), stored('f8_scale'))));
  const results = await runOnce(g.build(), { x: floatTensor(Float32Array.of(1, 1), [2]) });
  expect(floats(results, 'y').data).toEqual(Float32Array.of(0.5, -1.5));
});

test('host and runtime widen every fp8 value alike', async () => {
  const g = new Graph(graphTargets.cpu);
  g.output('y', add(g.input('x', 'float32', [1]), g.weight(stored('all_f8'))));
  const results = await runOnce(g.build(), { x: floatTensor(Float32Array.of(0), [1]) });
  expect(results.y?.data).toEqual((await readStoredFloats(stored('all_f8'))).map((value) => value + 0));
});

test('weights without elements work and are told apart', async () => {
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [symbol('n'), 3]);
  g.output('y', linear(linear(x, g.weight(stored('none'))), g.weight(stored('none_back'))));
  const results = await runOnce(g.build(), { x: floatTensor(Float32Array.of(1, 2, 3), [1, 3]) });
  expect(results.y).toEqual(floatTensor(Float32Array.of(0, 0), [1, 2]));
});

test('lengths that Reshape cannot infer are computed at run time', async () => {
  const g = new Graph(graphTargets.cpu);
  const [h, w] = [symbol('h'), symbol('w')];
  const x = g.input('x', 'float32', [1, h, w]);
  const doubled = concat([x, x], 2);
  g.output('y', reshape(transpose(doubled, [0, 2, 1]), [w, 2, h]));
  const results = await runOnce(g.build(), { x: floatTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3]) });
  expect(results.y?.shape).toEqual([3, 2, 2]);
  expect(results.y?.data).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6, 1, 4, 2, 5, 3, 6));
});

test('feeds that do not fit are named', async () => {
  const g = new Graph(graphTargets.cpu);
  const n = symbol('n');
  const sum = add(g.input('x', 'float32', [n, 2]), g.input('y', 'float32', [n, 2]));
  g.output('sum', sum);
  await using session = await Session.open(g.build());
  const two = floatTensor(new Float32Array(4), [2, 2]);
  const three = floatTensor(new Float32Array(6), [3, 2]);
  await expect(session.run({ x: two })).rejects.toThrow('"y" is missing');
  await expect(session.run({ x: two, y: three })).rejects.toThrow('"y" must be float32 [n, 2], not float32 [3,2]');
  await expect(session.run({ x: two, y: two, z: two })).rejects.toThrow('no input "z"');
});

test('a length made of several symbols is checked against them', async () => {
  const g = new Graph(graphTargets.cpu);
  const [h, w] = [symbol('h'), symbol('w')];
  const tokens = g.input('tokens', 'float32', [multiplyDimensions(h, w)]);
  const grid = g.input('x', 'float32', [h, w]);
  g.output('y', add(reshape(tokens, grid.shape), grid));
  await using session = await Session.open(g.build());
  const x = floatTensor(new Float32Array(6), [2, 3]);
  const wrong = session.run({ x, tokens: floatTensor(new Float32Array(7), [7]) });
  await expect(wrong).rejects.toThrow('"tokens" must be float32 [h*w], not float32 [7]');
  expect((await session.run({ x, tokens: floatTensor(new Float32Array(6), [6]) })).y?.shape).toEqual([2, 3]);
});

test('the builder refuses tensors that do not combine and names them', () => {
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [2, symbol('n')]);
  const y = g.input('y', 'float32', [3, symbol('n')]);
  expect(() => g.scoped('block', () => add(x, y))).toThrow('block/: cannot Add: x float32 [2, n] and y float32 [3, n]');
  expect(() => linear(x, y)).not.toThrow();
  expect(() => reshape(x, [3, symbol('n')])).toThrow('cannot reshape');
});

test('a disposed session is released', async () => {
  const before = Session.openCount;
  const g = new Graph(graphTargets.cpu);
  g.output('y', tanh(g.input('x', 'float32', [1])));
  const session = await Session.open(g.build());
  expect(Session.openCount).toBe(before + 1);
  await session[Symbol.asyncDispose]();
  expect(Session.openCount).toBe(before);
  await expect(session.run({ x: floatTensor(new Float32Array(1), [1]) })).rejects.toThrow('disposed');
});

test('the CUDA form computes in bf16 and keeps float32 at its edges', () => {
  const g = new Graph(graphTargets.cuda);
  const x = g.activation('x', [symbol('n'), 3]);
  const y = linear(x, g.weight(stored('w')), g.weight(stored('b')));
  expect(y.dtype).toBe('bfloat16');
  g.output('y', y);
  expect(g.build().outputs).toMatchObject([{ name: 'y', dtype: 'float32' }]);
});
