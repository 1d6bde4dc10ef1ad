import { create, toBinary } from '@bufbuild/protobuf';
import { addDimensions, affineForm, type Dimension, formatShape, multiplyDimensions } from './dimension.ts';
import { type ArithmeticType, bytesPerElement, type ElementType, isFloat, onnxDataType } from './element-type.ts';
import { ModelProtoSchema, type NodeProto, NodeProtoSchema, type TensorProto } from './onnx/onnx_pb.ts';
import { type Attribute, attributeProto, externalTensor, inlineTensor, valueInfo } from './onnx-encoding.ts';
import type { StoredTensor } from './safetensors.ts';
import type { Value } from './value.ts';

export type DeviceKind = 'cpu' | 'cuda' | 'webgpu';

/** What a graph is emitted for. Networks are written once; this decides arithmetic type and operator choice. */
export interface GraphTarget {
  readonly device: DeviceKind;
  readonly arithmetic: ArithmeticType;
}

/** The targets in use: kernels for these pairs exist in the runtime (CPU has no bf16 or f16 arithmetic worth using). */
export const graphTargets: Readonly<Record<DeviceKind, GraphTarget>> = Object.freeze({
  cpu: { device: 'cpu', arithmetic: 'float32' },
  cuda: { device: 'cuda', arithmetic: 'bfloat16' },
  webgpu: { device: 'webgpu', arithmetic: 'float16' },
});

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: '' | 'com.microsoft';
  readonly dtype?: ElementType;
}

/** A finished graph, ready for a session. */
export interface GraphModel {
  /** Serialised ModelProto. */
  readonly bytes: Uint8Array;
  readonly target: GraphTarget;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Elements of all weights used in place. */
  readonly weightElements: number;
  readonly weightFiles: readonly string[];
  /** Floating point operations of one run's matrix products and convolutions, as a function of the symbolic sizes. */
  readonly flops: Dimension;
}

/** ONNX operator set 23 is the first with RMSNormalization and RotaryEmbedding; IR 11 goes with it. */
const operatorSet = 23n;
const irVersion = 11n;

/** Operators whose CUDA kernels take no bf16 (onnxruntime's OperatorKernels.md). */
const withoutBfloat16Kernel: ReadonlySet<string> = new Set([
  ...['ReduceMean', 'ReduceMax', 'ReduceMin', 'InstanceNormalization', 'LeakyRelu', 'Clip', 'Round'],
  ...['Pad', 'DepthToSpace', 'ConvTranspose', 'Resize', 'Floor', 'Abs', 'Log'],
]);

/**
 * The part of the builder that knows ONNX: names, nodes, inputs, outputs, constants and weights. The operations are
 * layered on top, one subject per class; `Graph` is the whole.
 */
export abstract class GraphCore {
  readonly target: GraphTarget;
  readonly #nodes: NodeProto[] = [];
  /** Kept apart and put first: the runtime then widens each weight just before its use (peak memory). */
  readonly #weightNodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #weights = new Map<string, Value>();
  readonly #externals = new Map<string, Value>();
  readonly #weightFiles = new Set<string>();
  readonly #constants = new Map<string, Value>();
  readonly #symbols = new Map<string, Value>();
  readonly #dimensions = new Map<string, Value>();
  #weightElements = 0;
  #flops: Dimension = 0;
  #scope = '';
  #counter = 0;

  constructor(target: GraphTarget) {
    this.target = target;
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

  /** Declares a graph input. A symbol that occurs alone on an axis (`scale·symbol+offset`) is bound by it at run time. */
  input(name: string, dtype: ElementType, shape: readonly Dimension[]): Value {
    const value = Object.freeze({ name, dtype, shape });
    this.#inputs.push(value);
    shape.forEach((dimension, axis) => {
      this.#bindSymbol(value, dimension, axis);
    });
    return value;
  }

  /** Marks `value` as the graph output `name`. */
  abstract output(name: string, value: Value): void;

  protected declareOutput(name: string, value: Value): void {
    this.#append(this.#nodes, 'Identity', [value], [name], {});
    this.#outputs.push(Object.freeze({ ...value, name }));
  }

  /**
   * A weight used in place: the graph points into the safetensors file. Returned in the target's arithmetic type
   * (floats) through a Cast in the graph; `scale` (one element) multiplies it, as fp8 checkpoints need.
   */
  weight(stored: StoredTensor, scale?: StoredTensor): Value {
    const key = locationOf(stored);
    const known = this.#weights.get(key);
    if (known !== undefined) return known;
    const { arithmetic } = this.target;
    let value = isFloat(stored.dtype) ? this.#widened(stored, arithmetic) : this.storedWeight(stored);
    if (scale !== undefined) value = this.#weightNode('Mul', [value, this.weight(scale)], {}, arithmetic, value.shape);
    this.#weights.set(key, value);
    return value;
  }

  /** A weight in the type it is stored in, for operations that pick from a large table before widening. */
  storedWeight(stored: StoredTensor): Value {
    const key = locationOf(stored);
    const known = this.#externals.get(key);
    if (known !== undefined) return known;
    const value = this.#external(stored);
    this.#externals.set(key, value);
    return value;
  }

  /** `weight + offset` in float32, worked out once with the weights. */
  offsetWeight(stored: StoredTensor, offset: number): Value {
    const terms = [this.#widened(stored, 'float32'), this.constant([offset], [], 'float32')];
    return this.#weightNode('Add', terms, {}, 'float32', stored.shape);
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
    this.#initializers.push(inlineTensor(name, values, shape, stored));
    let value: Value = Object.freeze({ name, dtype: stored, shape });
    if (type !== stored) value = this.#weightNode('Cast', [value], { to: onnxDataType(type) }, type, shape);
    this.#constants.set(key, value);
    return value;
  }

  /** Emits one node with one output. */
  protected node(
    type: string,
    inputs: readonly Value[],
    shape: readonly Dimension[],
    options: NodeOptions = {},
  ): Value {
    const [value] = this.nodes(type, inputs, [shape], options);
    if (value === undefined) throw new Error(`${type} has no output`);
    return value;
  }

  /** Emits one node with an output per shape. */
  protected nodes(
    type: string,
    inputs: readonly (Value | undefined)[],
    shapes: readonly (readonly Dimension[])[],
    options: NodeOptions = {},
  ): Value[] {
    if (this.target.arithmetic === 'bfloat16' && withoutBfloat16Kernel.has(type)) {
      return this.#inFloat32(type, inputs, shapes, options);
    }
    const dtype = options.dtype ?? inputs[0]?.dtype ?? 'float32';
    const base = `${this.#scope}${type}_${this.#counter++}`;
    const values = shapes.map((shape, index) =>
      Object.freeze({ name: shapes.length === 1 ? base : `${base}.${index}`, dtype, shape }),
    );
    this.#append(
      this.#nodes,
      type,
      inputs,
      values.map((value) => value.name),
      options,
    );
    return values;
  }

  /** Adds `multiplications`, each with an addition, to the graph's operations. */
  protected countMultiplications(...multiplications: readonly Dimension[]): void {
    this.#flops = addDimensions(this.#flops, multiplyDimensions(2, ...multiplications));
  }

  /** An int64 vector of `shape`, computed at run time where symbols occur. */
  protected shapeVector(shape: readonly Dimension[]): Value {
    if (shape.every((dimension) => typeof dimension === 'number')) return this.constant(shape, undefined, 'int64');
    const parts = shape.map((dimension) => this.dimensionValue(dimension));
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    return this.node('Concat', parts, [parts.length], { attributes: { axis: 0 } });
  }

  /** The run-time value of a dimension as int64 `[1]`. */
  protected dimensionValue(dimension: Dimension): Value {
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

  /** An error that says which tensor of which shape could not be combined. */
  protected mismatch(what: string, ...values: readonly Value[]): Error {
    const described = values.map((value) => `${value.name} ${value.dtype} ${formatShape(value.shape)}`).join(' and ');
    return new Error(`${this.#scope}: ${what}: ${described}`);
  }

  build(): GraphModel {
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
          node: [...this.#weightNodes, ...this.#nodes],
          initializer: this.#initializers,
          input: this.#inputs.map(valueInfo),
          output: this.#outputs.map(valueInfo),
        },
      }),
    );
    return Object.freeze({
      bytes,
      target: this.target,
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      weightElements: this.#weightElements,
      weightFiles: [...this.#weightFiles],
      flops: this.#flops,
    });
  }

  /** Emits a node that has no bf16 kernel between casts. */
  #inFloat32(
    type: string,
    inputs: readonly (Value | undefined)[],
    shapes: readonly (readonly Dimension[])[],
    options: NodeOptions,
  ): Value[] {
    const cast = (value: Value, to: ElementType): Value =>
      this.node('Cast', [value], value.shape, { dtype: to, attributes: { to: onnxDataType(to) } });
    const widened = inputs.map((value) => (value?.dtype === 'bfloat16' ? cast(value, 'float32') : value));
    const base = `${this.#scope}${type}_${this.#counter++}`;
    const dtype = widened[0]?.dtype ?? 'float32';
    const results = shapes.map((shape, index) => Object.freeze({ name: `${base}.${index}`, dtype, shape }));
    this.#append(
      this.#nodes,
      type,
      widened,
      results.map((value) => value.name),
      options,
    );
    return results.map((value) => (inputs[0]?.dtype === 'bfloat16' ? cast(value, 'bfloat16') : value));
  }

  #external(stored: StoredTensor): Value {
    const { file, length, dtype, shape } = stored;
    const name = `${stored.name}@${this.#externals.size}`;
    this.#initializers.push(externalTensor(name, stored));
    this.#weightFiles.add(file);
    this.#weightElements += length / bytesPerElement(dtype);
    return Object.freeze({ name, dtype, shape });
  }

  #widened(stored: StoredTensor, to: ElementType): Value {
    const value = this.storedWeight(stored);
    if (stored.dtype === to) return value;
    return this.#weightNode('Cast', [value], { to: onnxDataType(to) }, to, value.shape);
  }

  #weightNode(
    type: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>>,
    dtype: ElementType,
    shape: readonly Dimension[],
  ): Value {
    const value = Object.freeze({ name: `weight/${type}_${this.#weightNodes.length}`, dtype, shape });
    this.#append(this.#weightNodes, type, inputs, [value.name], { attributes });
    return value;
  }

  #append(
    list: NodeProto[],
    type: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly string[],
    { attributes = {}, domain = '' }: NodeOptions,
  ): void {
    list.push(
      create(NodeProtoSchema, {
        name: outputs[0] ?? type,
        opType: type,
        domain,
        input: inputs.map((value) => value?.name ?? ''),
        output: [...outputs],
        attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
      }),
    );
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

/** Identifies a weight; parts of one tensor (rows of a table) differ in offset or shape, empty tensors in shape. */
function locationOf({ file, offset, shape }: StoredTensor): string {
  return `${file}:${offset}[${shape}]`;
}
