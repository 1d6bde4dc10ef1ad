import { create, toBinary } from '@bufbuild/protobuf';
import { addDimensions, affineForm, type Dimension, formatShape, multiplyDimensions } from './dimension.ts';
import { type ElementType, onnxDataType } from './element-type.ts';
import type { GraphTarget } from './graph-target.ts';
import { ModelProtoSchema, type NodeProto } from './onnx/onnx_pb.ts';
import { type NodeOptions, nodeProto, valueInfo } from './onnx-encoding.ts';
import type { Value } from './value.ts';
import { GraphWeights } from './weights/graph-weights.ts';

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

/**
 * The part of the builder that knows ONNX: nodes, inputs, outputs and run-time sizes. The operations are layered on top,
 * one subject per class; `Graph` is the whole.
 */
export abstract class GraphCore extends GraphWeights {
  readonly #nodes: NodeProto[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #symbols = new Map<string, Value>();
  readonly #dimensions = new Map<string, Value>();
  #flops: Dimension = 0;
  #counter = 0;

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
    this.#nodes.push(nodeProto('Identity', [value], [name]));
    this.#outputs.push(Object.freeze({ ...value, name }));
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
    if (this.target.float32Operators.has(type)) {
      return this.#inFloat32(type, inputs, shapes, options);
    }
    const dtype = options.dtype ?? inputs[0]?.dtype ?? 'float32';
    const base = `${this.scope}${type}_${this.#counter++}`;
    const values = shapes.map((shape, index) =>
      Object.freeze({ name: shapes.length === 1 ? base : `${base}.${index}`, dtype, shape }),
    );
    const names = values.map((value) => value.name);
    this.#nodes.push(nodeProto(type, inputs, names, options));
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
    return new Error(`${this.scope}: ${what}: ${described}`);
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
          // Weights first: the runtime then widens each one just before its use, which bounds peak memory.
          node: [...this.weightNodes, ...this.#nodes],
          initializer: [...this.initializers],
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
      weightElements: this.weightElements,
      weightFiles: [...this.weightFiles],
      flops: this.#flops,
    });
  }

  /** Emits a node that has no kernel for the arithmetic type between casts. */
  #inFloat32(
    type: string,
    inputs: readonly (Value | undefined)[],
    shapes: readonly (readonly Dimension[])[],
    options: NodeOptions,
  ): Value[] {
    const cast = (value: Value, to: ElementType): Value =>
      this.node('Cast', [value], value.shape, { dtype: to, attributes: { to: onnxDataType(to) } });
    const { arithmetic } = this.target;
    const widened = inputs.map((value) => (value?.dtype === arithmetic ? cast(value, 'float32') : value));
    const base = `${this.scope}${type}_${this.#counter++}`;
    const dtype = widened[0]?.dtype ?? 'float32';
    const results = shapes.map((shape, index) => Object.freeze({ name: `${base}.${index}`, dtype, shape }));
    const names = results.map((value) => value.name);
    this.#nodes.push(nodeProto(type, widened, names, options));
    return results.map((value) => (inputs[0]?.dtype === arithmetic ? cast(value, arithmetic) : value));
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
    if (value === undefined) throw new Error(`${this.scope}: no input determines the size "${name}"`);
    return value;
  }
}
