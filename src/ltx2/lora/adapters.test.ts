import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Graph } from '../../graph/graph.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { floatTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce } from '../../graph/runtime/session.ts';
import { type Checkpoint, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { writeSafetensors } from '../../graph/weights/safetensors-writer.ts';
import { adaptableModules } from '../adaptable-modules.ts';
import { seededNormals } from '../sampling/noise.ts';
import { transformerPath } from '../transformer/modules.ts';
import { mappedAdapters } from './adapters.ts';
import { type AppliedLora, readLora } from './lora.ts';

// One linear layer of 4 → 6 channels, with every kind of change, against the same arithmetic on plain arrays.

const [outputs, inputs, tokens] = [6, 4, 3];
type Matrix = readonly (readonly number[])[];

let folder: string;
let checkpoint: Checkpoint;
let stream = 0;
const random = (rows: number, columns: number): Matrix => rowsOf(seededNormals(9, stream++, rows * columns), columns);
const W = random(outputs, inputs);
const bias = random(1, outputs)[0] as readonly number[];
const x = random(tokens, inputs);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-adapters-'));
  const path = await write('bundle', {
    [`${transformerPath}.layer.weight`]: W,
    [`${transformerPath}.layer.bias`]: bias,
  });
  checkpoint = await openCheckpoint(path);
});
afterAll(() => rm(folder, { recursive: true }));

function rowsOf(values: Float32Array, columns: number): Matrix {
  return Array.from({ length: values.length / columns }, (_, row) => [
    ...values.subarray(row * columns, (row + 1) * columns),
  ]);
}

async function write(name: string, tensors: Readonly<Record<string, Matrix | readonly number[]>>): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  await writeSafetensors(
    path,
    Object.entries(tensors).map(([key, values]) => ({
      name: key,
      dtype: 'float32',
      shape: Array.isArray(values[0]) ? [values.length, values[0].length] : [values.length],
      bytes: () => new Uint8Array(Float32Array.from(values.flat()).buffer),
    })),
  );
  return path;
}

const times = (left: Matrix, right: Matrix): Matrix =>
  left.map((row) =>
    (right[0] ?? []).map((_, column) => row.reduce((sum, value, k) => sum + value * at(right, k, column), 0)),
  );
const at = (matrix: Matrix, row: number, column: number): number => matrix[row]?.[column] ?? Number.NaN;
const map = (matrix: Matrix, change: (value: number, row: number, column: number) => number): Matrix =>
  matrix.map((row, r) => row.map((value, c) => change(value, r, c)));
const scaled = (matrix: Matrix, factor: number): Matrix => map(matrix, (value) => value * factor);
const sum = (left: Matrix, right: Matrix): Matrix => map(left, (value, r, c) => value + at(right, r, c));
const transposed = (matrix: Matrix): Matrix =>
  (matrix[0] ?? []).map((_, column) => matrix.map((row) => row[column] ?? Number.NaN));

/** The layer's output for `x` with the LoRA at a strength. */
async function output(loras: readonly AppliedLora[]): Promise<Matrix> {
  const g = new Graph(graphTargets.cpu);
  const w = new ModuleWeights(g, checkpoint, mappedAdapters(loras)).at(transformerPath);
  g.output('y', w.linear(g.input('x', 'float32', [tokens, inputs]), 'layer'));
  const { y } = await runOnce(g.build(), { x: floatTensor(Float32Array.from(x.flat()), [tokens, inputs]) });
  return rowsOf(floats({ y: y as never }, 'y').data, outputs);
}

/** x·(W+ΔW)ᵀ + b + Δb */
function expected(difference: Matrix, biasDifference: readonly number[] = new Array(outputs).fill(0)): Matrix {
  return map(
    times(x, transposed(sum(W, difference))),
    (value, _, c) => value + at([bias], 0, c) + (biasDifference[c] ?? 0),
  );
}

function expectClose(found: Matrix, wanted: Matrix): void {
  for (const [r, row] of wanted.entries())
    for (const [c, value] of row.entries()) expect(at(found, r, c)).toBeCloseTo(value, 4);
}

async function lora(name: string, tensors: Readonly<Record<string, Matrix | readonly number[]>>) {
  const prefixed = Object.fromEntries(
    Object.entries(tensors).map(([key, value]) => [`diffusion_model.layer.${key}`, value]),
  );
  const read = await readLora(await write(name, prefixed), adaptableModules(checkpoint));
  expect(read.problem).toBeUndefined();
  return read;
}

const [A, B] = [random(2, inputs), random(outputs, 2)];
const pair = { 'lora_A.weight': A, 'lora_B.weight': B };
const product = times(B, A);
const strength = 0.7;

test('a pair with a bias', async () => {
  const extra = random(1, outputs)[0] as readonly number[];
  const file = await lora('bias', { ...pair, alpha: [1], 'lora_B.bias': extra });
  const biasChange = extra.map((value) => value * strength * 0.5);
  expectClose(await output([{ lora: file, strength }]), expected(scaled(product, strength * 0.5), biasChange));
});

test('differences of the weight and of the bias', async () => {
  const [weight, extra] = [random(outputs, inputs), random(1, outputs)[0] as readonly number[]];
  const file = await lora('diff', { diff: weight, diff_b: extra });
  expectClose(
    await output([{ lora: file, strength }]),
    expected(
      scaled(weight, strength),
      extra.map((value) => value * strength),
    ),
  );
});

test('LoHa', async () => {
  const [a1, b1, a2, b2] = [random(outputs, 2), random(2, inputs), random(outputs, 2), random(2, inputs)];
  const file = await lora('loha', { hada_w1_a: a1, hada_w1_b: b1, hada_w2_a: a2, hada_w2_b: b2, alpha: [1] });
  const second = times(a2, b2);
  const difference = map(times(a1, b1), (value, r, c) => value * at(second, r, c) * 0.5 * strength);
  expectClose(await output([{ lora: file, strength }]), expected(difference));
});

const kronecker = (left: Matrix, right: Matrix): Matrix =>
  left.flatMap((row) => right.map((other) => row.flatMap((value) => other.map((each) => value * each))));

test('LoKr of whole factors, whose alpha counts for nothing', async () => {
  const [w1, w2] = [random(2, 2), random(3, 2)];
  const file = await lora('lokr', { lokr_w1: w1, lokr_w2: w2, alpha: [5] });
  expectClose(await output([{ lora: file, strength }]), expected(scaled(kronecker(w1, w2), strength)));
});

test('LoKr of a whole factor and a product', async () => {
  const [w1, a, b] = [random(2, 2), random(3, 1), random(1, 2)];
  const file = await lora('lokr product', { lokr_w1: w1, lokr_w2_a: a, lokr_w2_b: b, alpha: [0.5] });
  expectClose(await output([{ lora: file, strength }]), expected(scaled(kronecker(w1, times(a, b)), 0.5 * strength)));
});

test.for([
  ['by rows, as LyCORIS writes it', 'dora_scale', false],
  ['by rows, as PEFT writes it', 'lora_magnitude_vector', false],
  ['by columns', 'dora_scale', true],
] as const)('DoRA %s', async ([name, key, byColumns]) => {
  const changed = sum(W, scaled(product, 0.5));
  const lengths = (byColumns ? transposed(changed) : changed).map((row) => Math.hypot(...row));
  const magnitude = lengths.map((length, index) => length * (1 + 0.1 * index));
  const stored = byColumns ? [magnitude] : key === 'dora_scale' ? magnitude.map((value) => [value]) : magnitude;
  const file = await lora(name, { ...pair, alpha: [1], [key]: stored });
  const factor = (r: number, c: number): number => 1 + 0.1 * (byColumns ? c : r);
  const whole = map(changed, (value, r, c) => value * factor(r, c));
  const difference = map(whole, (value, r, c) => strength * (value - at(W, r, c)));
  expectClose(await output([{ lora: file, strength }]), expected(difference));
});

test('several at a time add up, each to the weight as it is without the others', async () => {
  const [one, other] = [await lora('one', pair), await lora('other', { diff: W })];
  const both = await output([
    { lora: one, strength },
    { lora: other, strength: -0.5 },
  ]);
  expectClose(both, expected(sum(scaled(product, strength), scaled(W, -0.5))));
});
