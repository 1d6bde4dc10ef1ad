import { create, toBinary } from '@bufbuild/protobuf';
import { addDimensions, affineForm, type Dimension, formatShape, multiplyDimensions, symbol } from './dimension.ts';
import { bytesPerElement, type ElementType, isFloat, onnxDataType } from './element-type.ts';
import { type GraphModel, workspaceInput } from './graph-model.ts';
import type { GraphNode } from './graph-node.ts';
import type { GraphTarget } from './graph-target.ts';
import { type GraphMemory, runMemory, workspaceBytes } from './memory/graph-memory.ts';
import { CuttableGraph, type GraphSegment, type Initializer } from './memory/graph-segment.ts';
import { ModelProtoSchema } from './onnx/onnx_pb.ts';
import { externalTensor, inlineTensor, type NodeOptions, nodeProto, valueInfo } from './onnx-encoding.ts';
import { cast } from './operations/shapes.ts';
import type { TensorType, Value } from './value.ts';
import type { StoredTensor } from './weights/safetensors.ts';

/** ONNX operator set 23 is the first with RMSNormalization and RotaryEmbedding; IR 11 goes with it. */
const operatorSet = 23n;
const irVersion = 11n;

/**
 * A typed ONNX graph under construction: inputs, weights, nodes, outputs. What is computed is said by the functions in
 * `operations/`, which check types and shapes at once and name the tensors they cannot combine; `build()` serializes.
 */
export class Graph {
  readonly target: GraphTarget;
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  /** What lies between two places where the graph may be cut. */
  readonly #parts: [Part, ...Part[]] = [new Part()];
  /** Nodes that bring weights and constants into the arithmetic type. */
  readonly #weightNodes: GraphNode[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #weights = new Map<string, Value>();
  readonly #storedWeights = new Map<string, Value>();
  readonly #constants = new Map<string, Value>();
  /** Run-time values of sizes and of lengths made of them. */
  readonly #symbols = new Map<string, Value>();
  readonly #dimensions = new Map<string, Value>();
  /** Where in the network the builder is, for names and messages. */
  #scope = '';
  #counter = 0;

  constructor(target: GraphTarget) {
    this.target = target;
  }

  /** Declares a graph input. A symbol that occurs alone on an axis (`scale·symbol+offset`) is bound by it at run time. */
  input(name: string, dtype: ElementType, shape: readonly Dimension[]): Value {
    const value = this.#value(name, dtype, shape);
    this.#inputs.push(value);
    shape.forEach((dimension, axis) => {
      this.#bindSymbol(value, dimension, axis);
    });
    return value;
  }

  /** A float32 graph input in the target's arithmetic type (the JavaScript binding passes no bf16). */
  activation(name: string, shape: readonly Dimension[]): Value {
    return cast(this.input(name, 'float32', shape), this.target.arithmetic);
  }

  /** Marks `value` as the graph output `name`. Floating point outputs leave the graph as float32. */
  output(name: string, value: Value): void {
    const result = isFloat(value.dtype) ? cast(value, 'float32') : value;
    const output = this.#value(name, result.dtype, result.shape);
    this.#part.nodes.push({ type: 'Identity', inputs: [result], outputs: [output], options: {} });
    this.#outputs.push(output);
  }

  /** Marks a place where the graph may be cut: what is made from here on is another part. */
  beginPart(): void {
    this.#parts.push(new Part());
  }

  /** Prefixes the names of everything made inside `build`, so that errors and profiles say where. */
  scoped<Result>(name: string, build: () => Result): Result {
    const outer = this.#scope;
    this.#scope = `${outer}${name}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /**
   * A weight used in place: the graph points into the safetensors file. Returned in the target's arithmetic type
   * (floats) through a Cast in the graph; `scale` (one element) multiplies it, as fp8 checkpoints need.
   */
  weight(stored: StoredTensor, scale?: StoredTensor): Value {
    const key = `${locationOf(stored)}${scale === undefined ? '' : '·scale'}`;
    const known = this.#weights.get(key);
    if (known !== undefined) return known;
    let value = this.storedWeight(stored);
    if (isFloat(stored.dtype)) value = this.#castWeight(value, this.target.arithmetic);
    if (scale !== undefined) value = this.#weightNode('Mul', [value, this.weight(scale)], value);
    this.#weights.set(key, value);
    return value;
  }

  /** A weight in the type it is stored in, for operations that pick from a large table before widening. */
  storedWeight(stored: StoredTensor): Value {
    const key = locationOf(stored);
    const known = this.#storedWeights.get(key);
    if (known !== undefined) return known;
    const { dtype, shape } = stored;
    const value = this.#value(`${stored.name}@${this.#storedWeights.size}`, dtype, shape);
    this.#initializers.push({ value, proto: externalTensor(value.name, stored), stored });
    this.#storedWeights.set(key, value);
    return value;
  }

  /** `weight + offset` in float32, worked out once with the weights. */
  offsetWeight(stored: StoredTensor, offset: number): Value {
    const weight = this.#castWeight(this.storedWeight(stored), 'float32');
    return this.#weightNode('Add', [weight, this.constant([offset], [], 'float32')], weight);
  }

  /** A small constant; equal constants are stored once. Floats are given in the arithmetic type unless `dtype` says. */
  constant(values: readonly number[], shape: readonly number[] = [values.length], dtype?: ElementType): Value {
    const type = dtype ?? this.target.arithmetic;
    if (values.length !== shape.reduce((product, length) => product * length, 1)) {
      throw new Error(`${this.#scope}: ${values.length} values do not fill the shape [${shape}]`);
    }
    const stored = type === 'int64' ? 'int64' : 'float32';
    const key = `${type}[${shape}]:${values}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.#constants.size}`;
    const initializer = this.#value(name, stored, shape);
    this.#initializers.push({ value: initializer, proto: inlineTensor(name, values, shape, stored) });
    const value = this.#castWeight(initializer, type);
    this.#constants.set(key, value);
    return value;
  }

  /** Emits one node with one output; `nodes` says more. */
  node(
    type: string,
    inputs: readonly (Value | undefined)[],
    shape: readonly Dimension[],
    options: NodeOptions = {},
  ): Value {
    const [value] = this.nodes(type, inputs, [shape], options);
    if (value === undefined) throw new Error(`${type} has no output`);
    return value;
  }

  /**
   * Emits one node with an output per shape. An input, or the shape of an output, left `undefined` is of an optional one that is
   * left out.
   */
  nodes(
    type: string,
    inputs: readonly (Value | undefined)[],
    shapes: readonly (readonly Dimension[] | undefined)[],
    options: NodeOptions = {},
  ): Value[] {
    const stranger = inputs.find((value) => value !== undefined && value.graph !== this);
    if (stranger !== undefined) throw this.mismatch(`${type} takes a tensor of another graph`, stranger);
    if (this.target.float32Operators.has(type)) return this.#inFloat32(type, inputs, shapes, options);
    const dtype = options.dtype ?? inputs[0]?.dtype ?? 'float32';
    const base = `${this.#scope}${type}_${this.#counter++}`;
    const values = shapes.map(
      (shape, index) => shape && this.#value(shapes.length === 1 ? base : `${base}.${index}`, dtype, shape),
    );
    this.#part.nodes.push({ type, inputs, outputs: values, options });
    return values.filter((value) => value !== undefined);
  }

  /** Adds `multiplications`, each with an addition, to the graph's operations. */
  countMultiplications(...multiplications: readonly Dimension[]): void {
    const part = this.#part;
    part.flops = addDimensions(part.flops, multiplyDimensions(2, ...multiplications));
  }

  /** Tells how many elements an activation has. */
  noteActivation(...shape: readonly Dimension[]): void {
    const elements = multiplyDimensions(...shape);
    this.#part.activations.set(String(elements), elements);
  }

  /** An int64 vector of `shape`, computed at run time where symbols occur. */
  shapeVector(shape: readonly Dimension[]): Value {
    if (shape.every((dimension) => typeof dimension === 'number')) return this.constant(shape, undefined, 'int64');
    const parts = shape.map((dimension) => this.dimensionValue(dimension));
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    return this.node('Concat', parts, [parts.length], { attributes: { axis: 0 } });
  }

  /** The run-time value of a dimension as int64 `[1]`. */
  dimensionValue(dimension: Dimension): Value {
    if (typeof dimension === 'number') return this.constant([dimension], [1], 'int64');
    const known = this.#dimensions.get(dimension.text);
    if (known !== undefined) return known;
    const terms = [...dimension.terms].map(([monomial, coefficient]) => {
      const factors = monomial
        .split('*')
        .filter(Boolean)
        .map((name) => this.#symbolValue(name));
      if (coefficient !== 1 || factors.length === 0) factors.push(this.constant([coefficient], [1], 'int64'));
      return factors.reduce((left, right) => this.node('Mul', [left, right], [1]));
    });
    const value = terms.reduce((left, right) => this.node('Add', [left, right], [1]));
    this.#dimensions.set(dimension.text, value);
    return value;
  }

  /** An error that says which tensors of which shape could not be combined. */
  mismatch(what: string, ...values: readonly Value[]): Error {
    const described = values.map((value) => `${value.name} ${value.dtype} ${formatShape(value.shape)}`).join(' and ');
    return new Error(`${this.#scope}: ${what}: ${described}`);
  }

  build(): GraphModel {
    const [model] = this.buildSegments([this.#parts.length]);
    if (model === undefined) throw new Error('unreachable');
    return model;
  }

  /** Bytes of the weights of each part as they are stored; those that several parts take count for each. */
  partWeights(): number[] {
    const cut = this.#cuttable();
    return this.#parts.map((_, part) => weightBytes(cut.segment(part, part + 1)));
  }

  /** What running the graph takes of memory, as a function of its symbolic sizes; that throws for a symbol without a size. */
  memory(): (sizes: ReadonlyMap<string, number>) => GraphMemory {
    const cut = this.#cuttable();
    const weights = this.partWeights();
    const known = new Map<string, ReturnType<typeof runMemory>>();
    const piece = (from: number, to: number): ReturnType<typeof runMemory> => {
      const key = `${from} ${to}`;
      const memory = known.get(key) ?? runMemory(cut.segment(from, to));
      known.set(key, memory);
      return memory;
    };
    return (sizes) => ({ weights, run: (from, to) => piece(from, to)(sizes) });
  }

  /**
   * The graph in pieces to be run one after the other, of so many parts each. What a later piece needs of an earlier one is an
   * output of that and an input of this, both under one name. Floats cross in float32, which holds every arithmetic type, so
   * that the pieces together compute exactly what the whole does.
   */
  buildSegments(lengths: readonly number[]): GraphModel[] {
    const ends = lengths.map((_, index) => lengths.slice(0, index + 1).reduce((sum, length) => sum + length, 0));
    if (ends.at(-1) !== this.#parts.length) throw new Error(`${lengths} parts are not all ${this.#parts.length}`);
    const cut = this.#cuttable();
    return ends.map((to, index) => {
      const from = to - (lengths[index] ?? 0);
      return this.#model(cut.segment(from, to), this.#parts.slice(from, to));
    });
  }

  #cuttable(): CuttableGraph {
    const content = { inputs: this.#inputs, outputs: this.#outputs, initializers: this.#initializers };
    return new CuttableGraph(
      { ...content, weightNodes: this.#weightNodes },
      this.#parts.map(({ nodes }) => nodes),
    );
  }

  #model(segment: GraphSegment, parts: readonly Part[]): GraphModel {
    const { inputs, outputs, weightNodes, initializers } = segment;
    const workspace = this.target.needsWorkspace ? this.#workspace() : undefined;
    // The last in the list is run first.
    const nodes = [...segment.nodes, ...(workspace?.nodes ?? [])];
    const proto = ({ type, inputs: taken, outputs: made, options }: GraphNode) =>
      nodeProto(type, taken, made.map(nameOf), options);
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion,
        producerName: 'soundstage',
        opsetImport: [
          { domain: '', version: operatorSet },
          { domain: 'com.microsoft', version: 1n },
        ],
        graph: {
          name: 'graph',
          // Weights first: the runtime then widens each one just before its use, which bounds peak memory.
          node: [...weightNodes, ...nodes].map(proto),
          initializer: initializers.map(({ proto: tensor }) => tensor),
          input: [...inputs, ...(workspace?.inputs ?? [])].map(valueInfo),
          output: outputs.map(valueInfo),
        },
      }),
    );
    const weights = initializers.flatMap(({ stored }) => (stored === undefined ? [] : [stored]));
    return Object.freeze({
      bytes,
      target: this.target,
      inputs: inputs.map(declared),
      outputs: outputs.map(declared),
      weights,
      weightElements: weights.reduce((sum, { length, dtype }) => sum + length / bytesPerElement(dtype), 0),
      workspaceBytes: workspace && workspaceOf(segment),
      flops: addDimensions(...parts.map(({ flops }) => flops)),
      activations: [...new Map(parts.flatMap(({ activations }) => [...activations])).values()],
    });
  }

  /** Takes as much memory as it is told to, and lets go of it. */
  #workspace(): { readonly inputs: readonly Value[]; readonly nodes: readonly GraphNode[] } {
    const elements = this.#value(workspaceInput, 'int64', [1]);
    const whole = this.#value('workspace/whole', 'float32', [symbol('workspace')]);
    const length = this.#value('workspace/length', 'int64', [1]);
    return {
      inputs: [elements],
      nodes: [
        { type: 'ConstantOfShape', inputs: [elements], outputs: [whole], options: {} },
        { type: 'Shape', inputs: [whole], outputs: [length], options: {} },
      ],
    };
  }

  /** The part under construction. */
  get #part(): Part {
    return this.#parts.at(-1) ?? this.#parts[0];
  }

  #value(name: string, dtype: ElementType, shape: readonly Dimension[]): Value {
    return Object.freeze({ graph: this, name, dtype, shape });
  }

  #castWeight(value: Value, to: ElementType): Value {
    if (value.dtype === to) return value;
    return this.#weightNode(
      'Cast',
      [value],
      { dtype: to, shape: value.shape },
      { attributes: { to: onnxDataType(to) } },
    );
  }

  /** Emits a node before all others, whose output is like `result`. */
  #weightNode(
    type: string,
    inputs: readonly Value[],
    { dtype, shape }: Omit<TensorType, 'name'>,
    options?: NodeOptions,
  ): Value {
    const value = this.#value(`weight/${type}_${this.#weightNodes.length}`, dtype, shape);
    this.#weightNodes.push({ type, inputs, outputs: [value], options: options ?? {} });
    return value;
  }

  /** Emits a node that has no kernel for the arithmetic type between casts. */
  #inFloat32(
    type: string,
    inputs: readonly (Value | undefined)[],
    shapes: readonly (readonly Dimension[] | undefined)[],
    options: NodeOptions,
  ): Value[] {
    const { arithmetic } = this.target;
    const widened = inputs.map((value) => (value?.dtype === arithmetic ? cast(value, 'float32') : value));
    const base = `${this.#scope}${type}_${this.#counter++}`;
    const dtype = widened[0]?.dtype ?? 'float32';
    const results = shapes.map((shape, index) => shape && this.#value(`${base}.${index}`, dtype, shape));
    this.#part.nodes.push({ type, inputs: widened, outputs: results, options: { ...options, dtype } });
    const found = results.filter((value) => value !== undefined);
    return found.map((value) => (inputs[0]?.dtype === arithmetic ? cast(value, arithmetic) : value));
  }

  #bindSymbol(input: Value, dimension: Dimension, axis: number): void {
    if (typeof dimension === 'number') return;
    const form = affineForm(dimension);
    if (form === undefined || this.#symbols.has(form.name)) return;
    let value = this.node('Shape', [input], [1], { dtype: 'int64', attributes: { start: axis, end: axis + 1 } });
    if (form.offset !== 0) value = this.node('Sub', [value, this.constant([form.offset], [1], 'int64')], [1]);
    if (form.scale !== 1) value = this.node('Div', [value, this.constant([form.scale], [1], 'int64')], [1]);
    this.#symbols.set(form.name, value);
  }

  #symbolValue(name: string): Value {
    const value = this.#symbols.get(name);
    if (value === undefined) throw new Error(`${this.#scope}: no input determines the size "${name}"`);
    return value;
  }
}

class Part {
  readonly nodes: GraphNode[] = [];
  flops: Dimension = 0;
  readonly activations = new Map<string, Dimension>();
}

function workspaceOf(segment: GraphSegment): GraphModel['workspaceBytes'] {
  const memory = runMemory(segment);
  return (sizes) => workspaceBytes(memory(sizes));
}

function weightBytes({ initializers }: GraphSegment): number {
  return initializers.reduce((sum, { stored }) => sum + (stored?.length ?? 0), 0);
}

/** What is left out has no name. */
function nameOf(value: Value | undefined): string {
  return value?.name ?? '';
}

/** A value without its graph, which would keep all that the builder holds. */
function declared({ name, dtype, shape }: Value): TensorType {
  return Object.freeze({ name, dtype, shape });
}

/** Identifies a weight; parts of one tensor (rows of a table) differ in offset or shape, empty tensors in shape. */
function locationOf({ file, offset, shape }: StoredTensor): string {
  return `${file}:${offset}[${shape}]`;
}
