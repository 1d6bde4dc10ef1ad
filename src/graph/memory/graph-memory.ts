import { type Dimension, evaluateDimension, formatShape } from '../dimension.ts';
import { bytesPerElement } from '../element-type.ts';
import { type GraphNode, inputsOf, outputsOf } from '../graph-node.ts';
import type { TensorType } from '../value.ts';
import type { GraphSegment } from './graph-segment.ts';
import { runOrder } from './run-order.ts';

/** Nodes whose output is their first input under another shape or name. */
const views: ReadonlySet<string> = new Set(['Reshape', 'Identity', 'Unsqueeze', 'Squeeze']);

/** Nodes that may write over an input that nothing else needs. */
const inPlace: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Sqrt', 'Tanh', 'Sigmoid', 'Neg', 'Clip', 'Relu', 'LeakyRelu', 'Softmax'],
]);

/** Memory that one or several tensors lie in one after the other. */
interface Buffer {
  readonly bytesPerElement: number;
  readonly shape: readonly Dimension[];
}

interface Step {
  readonly taken: readonly number[];
  readonly released: readonly number[];
}

/** Bytes that a run takes besides weights as they are stored. */
export interface RunMemory {
  /** Of what it is fed, which is there from the start. */
  readonly inputs: number;
  /** Of all tensors that it holds at a time at most: inputs, outputs, what is computed and weights that are widened. */
  readonly peak: number;
}

/** What running a graph takes of memory, in bytes. */
export interface GraphMemory {
  /** Of each part, as they are stored. */
  readonly weights: readonly number[];
  /** What the parts from one to before another take in one run. */
  run(from: number, to: number): RunMemory;
}

/** Bytes that running a segment takes, as a function of its symbolic sizes. */
export function runMemory(segment: GraphSegment): (sizes: ReadonlyMap<string, number>) => RunMemory {
  const { buffers, held, steps } = lifetimes(segment);
  return (sizes) => {
    const bytes = buffers.map((buffer) => bytesOf(buffer, sizes));
    const total = (indices: readonly number[]): number => indices.reduce((sum, index) => sum + (bytes[index] ?? 0), 0);
    const inputs = total(held);
    let live = inputs;
    let peak = live;
    for (const { taken, released } of steps) {
      live += total(taken);
      peak = Math.max(peak, live);
      live -= total(released);
    }
    return { inputs, peak };
  };
}

/** Room for gaps between tensors, as a share of their bytes: with 0.6 of them, timesteps per token and weights that are widened met gaps too small. */
const gaps = 1;

/** Bytes that a run should find free in one piece: the allocator of a GPU fills small pieces badly. */
export function workspaceBytes({ inputs, peak }: RunMemory): number {
  return (1 + gaps) * (peak - inputs);
}

/** Bytes that the allocator of a GPU takes for a run that has such a workspace: it takes powers of two, and gives nothing back. */
export function arenaBytes(run: RunMemory): number {
  return powerOfTwo(run.inputs) + powerOfTwo(workspaceBytes(run));
}

/** Not smaller than `bytes`. */
function powerOfTwo(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, bytes)));
}

function lifetimes(segment: GraphSegment) {
  const { inputs, outputs } = segment;
  const buffers: Buffer[] = [];
  /** The buffer of each tensor by name; the stored weights have none. */
  const bufferOf = new Map<string, number>();
  const allocate = ({ name, dtype, shape }: TensorType): number => {
    bufferOf.set(name, buffers.length);
    return buffers.push({ bytesPerElement: bytesPerElement(dtype), shape }) - 1;
  };
  const held = inputs.map(allocate);
  const order = runOrder(segment);
  const uses = useCounts(order, outputs);

  /** Tensors not yet used for the last time, by buffer. */
  const tenants = new Map<number, number>(held.map((buffer) => [buffer, Number.POSITIVE_INFINITY]));
  const steps = order.map((node): Step => {
    const [taken, released]: [number[], number[]] = [[], []];
    const reused = reusedBuffer(node, bufferOf, uses, tenants, buffers);
    for (const [index, output] of outputsOf(node).entries()) {
      if (index === 0 && reused !== undefined) {
        bufferOf.set(output.name, reused);
        tenants.set(reused, (tenants.get(reused) ?? 0) + 1);
      } else {
        const buffer = allocate(output);
        taken.push(buffer);
        tenants.set(buffer, 1);
      }
    }
    const leave = (name: string): void => {
      const buffer = bufferOf.get(name);
      if (buffer === undefined) return;
      const left = (tenants.get(buffer) ?? 0) - 1;
      tenants.set(buffer, left);
      if (left === 0) released.push(buffer);
    };
    for (const { name } of inputsOf(node)) {
      const left = (uses.get(name) ?? 0) - 1;
      uses.set(name, left);
      if (left === 0) leave(name);
    }
    for (const { name } of outputsOf(node)) if (!uses.has(name)) leave(name);
    return { taken, released };
  });
  return { buffers, held, steps };
}

/** How often each tensor is taken; the outputs once more than the nodes do. */
function useCounts(nodes: readonly GraphNode[], outputs: readonly TensorType[]): Map<string, number> {
  const uses = new Map<string, number>(outputs.map(({ name }) => [name, 1]));
  for (const { name } of nodes.flatMap(inputsOf)) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/** The buffer that a node's first output lies in because one of its inputs does. */
function reusedBuffer(
  node: GraphNode,
  bufferOf: ReadonlyMap<string, number>,
  uses: ReadonlyMap<string, number>,
  tenants: ReadonlyMap<number, number>,
  buffers: readonly Buffer[],
): number | undefined {
  const { type } = node;
  const [inputs, [output]] = [inputsOf(node), outputsOf(node)];
  const [first] = inputs;
  if (views.has(type)) return first && bufferOf.get(first.name);
  if (!inPlace.has(type) || output === undefined) return undefined;
  for (const input of inputs) {
    const buffer = bufferOf.get(input.name);
    if (buffer === undefined) continue;
    const isLastUse = uses.get(input.name) === 1 && tenants.get(buffer) === 1;
    const isAlike =
      input.dtype === output.dtype && formatShape(input.shape) === formatShape(output.shape) && buffers[buffer];
    if (isLastUse && isAlike) return buffer;
  }
  return undefined;
}

function bytesOf({ bytesPerElement: bytes, shape }: Buffer, sizes: ReadonlyMap<string, number>): number {
  return shape.reduce<number>((product, dimension) => {
    const length = evaluateDimension(dimension, sizes);
    if (length === undefined) throw new Error(`${formatShape(shape)} has a symbol without a size`);
    return product * length;
  }, bytes);
}
