import { SoundstageError } from '../../shared/errors.ts';
import { isFloat } from '../element-type.ts';
import type { Graph } from '../graph.ts';
import { multiply } from '../operations/arithmetic.ts';
import { type Biased, multiplyBiased, settled, withoutBias } from '../operations/biased.ts';
import { type ConvolutionOptions, convolve } from '../operations/convolution.ts';
import { linear } from '../operations/layers.ts';
import { type QuantizedWeight, quantizedLinear } from '../operations/quantized.ts';
import { reshape } from '../operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../value.ts';
import { type Checkpoint, storedTensor } from './checkpoint.ts';
import { linearByRows } from './linear-by-rows.ts';
import { quantizedNames } from './quantized-matrix.ts';
import type { StoredTensor } from './safetensors.ts';

/** Changes what a network does, as LoRAs ask. `module` and `name` are keys of the checkpoint. */
export interface Adapters {
  /** `y` plus the branches for `module` applied to `x`; `y` itself when there are none. */
  apply(module: string, x: Value, y: Value): Value;
  /** Whether `apply` adds anything for a module. */
  hasBranches(module: string): boolean;
  /** The parameter `name` with what is added to it; `value` itself when that is nothing. */
  parameter(name: string, value: Value): Value;
  /** Whether `parameter` changes anything of a module. */
  changesParameters(module: string): boolean;
}

/** The weights of a network inside a graph, addressed by module path. `at('transformer_blocks.0')` narrows the path. */
export class ModuleWeights {
  readonly #graph: Graph;
  readonly #checkpoint: Checkpoint;
  readonly #adapters: Adapters | undefined;
  /** Ends in a dot, unless it is empty. */
  readonly #path: string;

  constructor(graph: Graph, checkpoint: Checkpoint, adapters?: Adapters, path = '') {
    this.#graph = graph;
    this.#checkpoint = checkpoint;
    this.#adapters = adapters;
    this.#path = path;
  }

  at(path: string): ModuleWeights {
    return new ModuleWeights(this.#graph, this.#checkpoint, this.#adapters, `${this.#path}${path}.`);
  }

  has(name: string): boolean {
    return this.#checkpoint.tensors.has(this.#key(name));
  }

  /**
   * A parameter in the graph's arithmetic type; scaled fp8 weights are brought to scale.
   *
   * @throws SoundstageError `weights` if it is missing or packed in a way that is not supported
   */
  parameter(name: string): Value {
    const key = this.#key(name);
    const scale = name.endsWith('weight') ? this.#checkpoint.tensors.get(`${key}_scale`) : undefined;
    const value = this.#graph.weight(this.#floats(key), scale);
    return this.#adapters?.parameter(key, value) ?? value;
  }

  /** A parameter in the type it is stored in. */
  storedParameter(name: string): Value {
    return this.#graph.storedWeight(storedTensor(this.#checkpoint, this.#key(name)));
  }

  /** A parameter plus a constant in float32. */
  offsetParameter(name: string, offset: number): Value {
    return this.#graph.offsetWeight(storedTensor(this.#checkpoint, this.#key(name)), offset);
  }

  /** `x [M, in]` → `[M, out]`, with bias if the module has one and with the adapters' branches. */
  linear(x: Value, module: string): Value {
    const quantized = this.#quantizedWeight(module);
    if (quantized !== undefined) {
      const bias = this.has(`${module}.bias`) ? this.parameter(`${module}.bias`) : undefined;
      return this.#branched(x, quantizedLinear(x, quantized, bias), module);
    }
    const { weight, scale } = this.#scaledWeight(module);
    return this.#branched(x, linear(x, weight, this.#bias(module, weight), scale), module);
  }

  /**
   * `linear` with its bias still to be added, where that costs the target a pass. A bias of `x` goes through the layer by itself
   * and into that of the result.
   *
   * @param gate `[1, out]` that the result is multiplied by: as a part of the weight where nothing is added to its product
   */
  biasedLinear(x: Biased, module: string, gate?: Value): Biased {
    if (gate !== undefined) return this.#gatedLinear(x, module, gate);
    if (x.value.graph.target.biasesProducts) return withoutBias(this.linear(settled(x), module));
    const { weight, scale } = this.#scaledWeight(module);
    const value = this.#branched(x.value, linear(x.value, weight, undefined, scale), module);
    return { value, bias: this.#biasBehind(x, module, weight) };
  }

  #gatedLinear(x: Biased, module: string, gate: Value): Biased {
    const { biasesProducts } = x.value.graph.target;
    if (biasesProducts || this.#adapters?.hasBranches(this.#key(module)))
      return multiplyBiased(this.biasedLinear(x, module), gate);
    const { weight, scale } = this.#scaledWeight(module);
    const gated = multiply(weight, reshape(gate, [axisLength(weight, 0), 1])); // [out, in]
    const bias = this.#biasBehind(x, module, weight);
    return {
      value: linear(x.value, gated, undefined, scale),
      bias: bias && multiply(bias, reshape(gate, bias.shape)),
    };
  }

  /** The bias of a linear layer with that of its input, taken through the layer. */
  #biasBehind({ value, bias }: Biased, module: string, weight: Value): Value | undefined {
    if (bias === undefined) return this.#bias(module, weight);
    const row = this.linear(reshape(bias, [1, axisLength(value, 1)]), module); // [1, out]
    return reshape(row, [axisLength(weight, 0)]);
  }

  /** `linear` without a bias for a weight of gigabytes, which is never widened as a whole unless adapters change it. */
  linearByRows(x: Value, module: string): Value {
    if (this.#adapters?.changesParameters(this.#key(module))) return this.linear(x, module);
    const stored = storedTensor(this.#checkpoint, this.#key(`${module}.weight`));
    return this.#branched(x, linearByRows(x, stored), module);
  }

  convolve(x: Value, module: string, options?: ConvolutionOptions): Value {
    const bias = this.has(`${module}.bias`) ? this.parameter(`${module}.bias`) : undefined;
    return convolve(x, this.parameter(`${module}.weight`), bias, options);
  }

  /** The weight of a linear layer in eight bits, where the checkpoint has it and adapters leave the weight as it is. */
  #quantizedWeight(module: string): QuantizedWeight | undefined {
    const names = quantizedNames(this.#key(module));
    const [values, scales] = [names.values, names.scales].map((name) => this.#checkpoint.tensors.get(name));
    if (values === undefined || scales === undefined) return undefined;
    if (this.#adapters?.changesParameters(this.#key(module))) return undefined;
    return { values: this.#graph.storedWeight(values), scales: this.#graph.weight(scales) };
  }

  /** The weight of a linear layer, and what its products are to be multiplied by: cheaper than bringing the weight to scale. */
  #scaledWeight(module: string): { weight: Value; scale: number } {
    const name = `${module}.weight`;
    const scale = this.#checkpoint.tensors.get(`${this.#key(name)}_scale`)?.scale;
    if (scale === undefined || this.#adapters?.changesParameters(this.#key(module))) {
      return { weight: this.parameter(name), scale: 1 };
    }
    return { weight: this.#graph.weight(this.#floats(this.#key(name))), scale };
  }

  #floats(key: string): StoredTensor {
    const stored = storedTensor(this.#checkpoint, key);
    if (isFloat(stored.dtype)) return stored;
    const { path } = this.#checkpoint;
    throw new SoundstageError('weights', `${path} has "${key}" in ${stored.dtype}: use the file in bf16 or fp8`);
  }

  /** The output `y [M, out]` of a linear layer for `x [M, in]` with the adapters' branches. */
  #branched(x: Value, y: Value, module: string): Value {
    return this.#adapters?.apply(this.#key(module), x, y) ?? y;
  }

  /** A layer without a bias has one where an adapter adds one. */
  #bias(module: string, weight: Value): Value | undefined {
    const name = `${module}.bias`;
    if (this.has(name)) return this.parameter(name);
    if (!this.#adapters?.changesParameters(this.#key(module))) return undefined;
    const zeros = this.#graph.constant(new Array<number>(knownLength(weight, 0)).fill(0));
    return this.#adapters.parameter(this.#key(name), zeros);
  }

  #key(name: string): string {
    return `${this.#path}${name}`;
  }
}
