import type { Dimension } from '../dimension.ts';
import { bytesPerElement, type ElementType, isFloat, onnxDataType } from '../element-type.ts';
import type { GraphTarget } from '../graph-target.ts';
import type { NodeProto, TensorProto } from '../onnx/onnx_pb.ts';
import { type Attribute, externalTensor, inlineTensor, nodeProto } from '../onnx-encoding.ts';
import type { Value } from '../value.ts';
import type { StoredTensor } from './safetensors.ts';

/** The part of the builder that owns constants, weights, and the nodes that bring weights into the arithmetic type. */
export abstract class GraphWeights {
  readonly target: GraphTarget;
  protected readonly weightNodes: NodeProto[] = [];
  protected readonly initializers: TensorProto[] = [];
  protected readonly weightFiles = new Set<string>();
  protected weightElements = 0;
  /** Where in the network the builder is, for names and messages. */
  protected scope = '';
  readonly #weights = new Map<string, Value>();
  readonly #externals = new Map<string, Value>();
  readonly #constants = new Map<string, Value>();

  constructor(target: GraphTarget) {
    this.target = target;
  }

  /** Prefixes the names of everything made inside `build`, so that errors and profiles say where. */
  scoped<Result>(name: string, build: () => Result): Result {
    const outer = this.scope;
    this.scope = `${outer}${name}/`;
    try {
      return build();
    } finally {
      this.scope = outer;
    }
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
      throw new Error(`${this.scope}: ${values.length} values do not fill the shape [${shape}]`);
    }
    const stored = type === 'int64' ? 'int64' : 'float32';
    const key = `${type}[${shape}]:${values}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.#constants.size}`;
    this.initializers.push(inlineTensor(name, values, shape, stored));
    let value: Value = Object.freeze({ name, dtype: stored, shape });
    if (type !== stored) value = this.#weightNode('Cast', [value], { to: onnxDataType(type) }, type, shape);
    this.#constants.set(key, value);
    return value;
  }

  #external(stored: StoredTensor): Value {
    const { file, length, dtype, shape } = stored;
    const name = `${stored.name}@${this.#externals.size}`;
    this.initializers.push(externalTensor(name, stored));
    this.weightFiles.add(file);
    this.weightElements += length / bytesPerElement(dtype);
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
    const value = Object.freeze({ name: `weight/${type}_${this.weightNodes.length}`, dtype, shape });
    this.weightNodes.push(nodeProto(type, inputs, [value.name], { attributes }));
    return value;
  }
}

/** Identifies a weight; parts of one tensor (rows of a table) differ in offset or shape, empty tensors in shape. */
function locationOf({ file, offset, shape }: StoredTensor): string {
  return `${file}:${offset}[${shape}]`;
}
