import { isFloat, onnxDataType } from '../element-type.ts';
import { type GraphNode, inputsOf, outputsOf } from '../graph-node.ts';
import type { TensorProto } from '../onnx/onnx_pb.ts';
import type { NodeOptions } from '../onnx-encoding.ts';
import type { Value } from '../value.ts';
import type { StoredTensor } from '../weights/safetensors.ts';
import { byDepth } from './run-order.ts';

/** A tensor that is there from the start: a weight in its file, or a constant. */
export interface Initializer {
  readonly value: Value;
  readonly proto: TensorProto;
  readonly stored?: StoredTensor;
}

/** What a graph can be run with. Nodes are in an order in which they can run. */
export interface GraphSegment {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Nodes that bring weights and constants into the arithmetic type. */
  readonly weightNodes: readonly GraphNode[];
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
}

/** What all segments of a graph are made from. */
interface SharedContent {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly weightNodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
}

/** What a segment takes from outside its own nodes. */
interface Needs {
  /** Nodes of earlier parts that are run again. */
  readonly again: ReadonlySet<GraphNode>;
  readonly weightNodes: ReadonlySet<GraphNode>;
  /** Names of inputs and initializers. */
  readonly sources: ReadonlySet<string>;
  /** Values of earlier parts that are handed on. */
  readonly carried: ReadonlySet<Value>;
}

/**
 * A graph to be cut into segments. A value that weights went into is handed on to the later segments that take it; one that
 * follows from the inputs alone, such as a length or a table of positions, is worked out again there.
 */
export class CuttableGraph {
  readonly #content: SharedContent;
  readonly #parts: readonly (readonly GraphNode[])[];
  readonly #producers = new Map<string, GraphNode>();
  readonly #weightProducers = new Map<string, GraphNode>();
  /** Names of the values that weights went into. */
  readonly #weighted: Set<string>;
  /** The last part that takes a value, by its name. */
  readonly #lastTaken = new Map<string, number>();

  constructor(content: SharedContent, parts: readonly (readonly GraphNode[])[]) {
    this.#content = content;
    this.#parts = parts;
    for (const node of content.weightNodes)
      for (const { name } of outputsOf(node)) this.#weightProducers.set(name, node);
    this.#weighted = new Set(content.initializers.flatMap(({ value, stored }) => (stored ? [value.name] : [])));
    for (const node of [...content.weightNodes, ...parts.flat()]) {
      const isWeighted = inputsOf(node).some(({ name }) => this.#weighted.has(name));
      if (isWeighted) for (const { name } of outputsOf(node)) this.#weighted.add(name);
    }
    for (const [part, nodes] of parts.entries()) {
      for (const node of nodes) {
        for (const { name } of outputsOf(node)) this.#producers.set(name, node);
        for (const { name } of inputsOf(node)) this.#lastTaken.set(name, part);
      }
    }
  }

  /** The parts from one to before another. */
  segment(from: number, to: number): GraphSegment {
    const { inputs, outputs, initializers } = this.#content;
    const own = this.#parts.slice(from, to).flat();
    const { again, weightNodes, sources, carried } = this.#needsOf(own);
    const made = own.flatMap(outputsOf);
    const names = new Set(made.map(({ name }) => name));
    const isHandedOn = ({ name }: Value): boolean => this.#weighted.has(name) && (this.#lastTaken.get(name) ?? 0) >= to;
    const [taken, given] = [[...carried].map(carriedIn), made.filter(isHandedOn).map(carriedOut)];
    const before = this.#parts
      .slice(0, from)
      .flat()
      .filter((node) => again.has(node));
    return {
      // The first takes every input, so that none goes by without being looked at.
      inputs: [...inputs.filter(({ name }) => from === 0 || sources.has(name)), ...taken.flatMap(inputsOf)],
      outputs: [...outputs.filter(({ name }) => names.has(name)), ...given.flatMap(outputsOf)],
      weightNodes: this.#content.weightNodes.filter((node) => weightNodes.has(node)),
      nodes: byDepth([...before, ...taken, ...own, ...given]),
      initializers: initializers.filter(({ value }) => sources.has(value.name)),
    };
  }

  #needsOf(nodes: readonly GraphNode[]): Needs {
    const own = new Set(nodes);
    const again = new Set<GraphNode>();
    const weightNodes = new Set<GraphNode>();
    const sources = new Set<string>();
    const carried = new Set<Value>();
    const open = [...own];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const value of inputsOf(node)) {
        const weightNode = this.#weightProducers.get(value.name);
        const producer = weightNode ?? this.#producers.get(value.name);
        if (producer === undefined) sources.add(value.name);
        else if (own.has(producer) || again.has(producer) || weightNodes.has(producer)) continue;
        else if (weightNode === undefined && this.#weighted.has(value.name)) carried.add(value);
        else {
          (weightNode === undefined ? again : weightNodes).add(producer);
          open.push(producer);
        }
      }
    }
    return { again, weightNodes, sources, carried };
  }
}

const carriedPrefix = 'carried/';

/** Whether a segment's input or output is on its way between segments. */
export function isCarried(name: string): boolean {
  return name.startsWith(carriedPrefix);
}

/** A value on its way between segments, in a type that the host has. */
function inTransit(value: Value): Value {
  return Object.freeze({
    ...value,
    name: `${carriedPrefix}${value.name}`,
    dtype: isFloat(value.dtype) ? 'float32' : value.dtype,
  });
}

function carriedIn(value: Value): GraphNode {
  return conversion(inTransit(value), value);
}

function carriedOut(value: Value): GraphNode {
  return conversion(value, inTransit(value));
}

function conversion(from: Value, to: Value): GraphNode {
  const [type, options]: [string, NodeOptions] =
    from.dtype === to.dtype ? ['Identity', {}] : ['Cast', { attributes: { to: onnxDataType(to.dtype) } }];
  return { type, inputs: [from], outputs: [to], options };
}
