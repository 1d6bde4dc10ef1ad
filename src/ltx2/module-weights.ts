import type { Graph } from '../graph/graph.ts';
import { type ConvolutionOptions, convolve } from '../graph/operations/convolution.ts';
import { linear } from '../graph/operations/layers.ts';
import { knownLength, type Value } from '../graph/value.ts';
import type { StoredTensor } from '../graph/weights/safetensors.ts';
import { type Checkpoint, storedTensor } from './checkpoint.ts';

/** Changes what a network does, as LoRAs ask. `module` and `name` are paths without the checkpoint's prefix. */
export interface Adapters {
  /** `y` plus the branches for `module` applied to `x`; `y` itself when there are none. */
  apply(graph: Graph, module: string, x: Value, y: Value): Value;
  /** The parameter `name` with what is added to it; `value` itself when that is nothing. */
  parameter(graph: Graph, name: string, value: Value): Value;
  /** Whether `parameter` changes anything of a module. */
  changesParameters(module: string): boolean;
}

/**
 * The weights of a network inside a graph, addressed by module path below a prefix of the checkpoint's keys.
 * `at('transformer_blocks.0')` narrows the path and scopes nothing else.
 */
export class ModuleWeights {
  readonly #graph: Graph;
  readonly #checkpoint: Checkpoint;
  readonly #prefix: string;
  readonly #path: string;
  readonly #adapters: Adapters | undefined;

  constructor(graph: Graph, checkpoint: Checkpoint, prefix: string, adapters?: Adapters, path = '') {
    this.#graph = graph;
    this.#checkpoint = checkpoint;
    this.#prefix = prefix;
    this.#adapters = adapters;
    this.#path = path;
  }

  at(path: string): ModuleWeights {
    return new ModuleWeights(this.#graph, this.#checkpoint, this.#prefix, this.#adapters, `${this.#path}${path}.`);
  }

  has(name: string): boolean {
    return this.#checkpoint.tensors.has(this.#key(name));
  }

  /** A parameter in the graph's arithmetic type; scaled fp8 weights are brought to scale. */
  parameter(name: string): Value {
    const stored = storedTensor(this.#checkpoint, this.#key(name));
    const scale = name.endsWith('weight') ? this.#checkpoint.tensors.get(`${this.#key(name)}_scale`) : undefined;
    const value = this.#graph.weight(stored, scale);
    return this.#adapters?.parameter(this.#graph, `${this.#path}${name}`, value) ?? value;
  }

  /** Where a parameter is stored. */
  stored(name: string): StoredTensor {
    return storedTensor(this.#checkpoint, this.#key(name));
  }

  /** A parameter plus a constant in float32. */
  offsetParameter(name: string, offset: number): Value {
    return this.#graph.offsetWeight(this.stored(name), offset);
  }

  /** `x [M, in]` → `[M, out]`, with bias if the module has one and with the adapters' branches. */
  linear(x: Value, module: string): Value {
    const weight = this.parameter(`${module}.weight`);
    return this.branched(x, linear(x, weight, this.#bias(module, weight)), module);
  }

  /** The output `y [M, out]` of a linear layer for `x [M, in]` with the adapters' branches. */
  branched(x: Value, y: Value, module: string): Value {
    return this.#adapters?.apply(this.#graph, `${this.#path}${module}`, x, y) ?? y;
  }

  /** Whether the adapters change a module itself, and do not only branch off beside it. */
  isChanged(module: string): boolean {
    return this.#adapters?.changesParameters(`${this.#path}${module}`) ?? false;
  }

  convolve(x: Value, module: string, options?: ConvolutionOptions): Value {
    const bias = this.has(`${module}.bias`) ? this.parameter(`${module}.bias`) : undefined;
    return convolve(x, this.parameter(`${module}.weight`), bias, options);
  }

  /** A layer without a bias has one where an adapter adds one. */
  #bias(module: string, weight: Value): Value | undefined {
    const name = `${module}.bias`;
    if (this.has(name)) return this.parameter(name);
    if (!this.isChanged(module)) return undefined;
    const zeros = this.#graph.constant(new Array<number>(knownLength(weight, 0)).fill(0));
    return this.#adapters?.parameter(this.#graph, `${this.#path}${name}`, zeros);
  }

  #key(name: string): string {
    return `${this.#prefix}${this.#path}${name}`;
  }
}
