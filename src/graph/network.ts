import type { Dimension } from './dimension.ts';
import { Graph } from './graph.ts';
import type { GraphModel } from './graph-model.ts';
import type { GraphTarget } from './graph-target.ts';
import type { HostTensor } from './runtime/host-tensor.ts';
import { byFullName, mapTensors, type SameNames, type TensorGroup } from './tensor-group.ts';
import type { Value } from './value.ts';
import type { Checkpoint } from './weights/checkpoint.ts';
import { type Adapters, ModuleWeights } from './weights/module-weights.ts';

/** A tensor that a network takes. Floats are fed as float32 and are in the arithmetic type inside the graph, unless they are exact. */
export interface InputType {
  readonly dtype: 'float32' | 'int64';
  readonly shape: readonly Dimension[];
  readonly isExact?: boolean;
}

export function floatInput(...shape: readonly Dimension[]): InputType {
  return { dtype: 'float32', shape };
}

/** Stays in float32. */
export function exactInput(...shape: readonly Dimension[]): InputType {
  return { dtype: 'float32', shape, isExact: true };
}

export function indexInput(...shape: readonly Dimension[]): InputType {
  return { dtype: 'int64', shape };
}

/** A network of some configuration: sizes, and which of its parts are wanted. */
export interface Network<Config, Inputs extends TensorGroup<InputType>, Outputs extends TensorGroup<Value>> {
  /** What it takes: `build` gets these as values, and a session is fed tensors under the same names. */
  inputs(config: Config, target: GraphTarget): Inputs;
  /**
   * Adds the network to a graph and returns its outputs.
   *
   * @throws SoundstageError `weights` if tensors are missing or the configuration is not supported
   */
  build(graph: Graph, weights: ModuleWeights, inputs: SameNames<Inputs, Value>, config: Config): Outputs;
}

/** What a session of a network is fed. */
export type Feeds<SomeNetwork> =
  SomeNetwork extends Network<never, infer Inputs, TensorGroup<Value>> ? SameNames<Inputs, HostTensor> : never;

/** States a network; the compiler works out the types of its parts. */
export function network<Config, Inputs extends TensorGroup<InputType>, Outputs extends TensorGroup<Value>>(
  parts: Network<Config, Inputs, Outputs>,
): Network<Config, Inputs, Outputs> {
  return Object.freeze(parts);
}

/** The graph of a network with the weights of a checkpoint. Inputs and outputs go by their full names. */
export function networkGraph<Config, Inputs extends TensorGroup<InputType>>(
  network: Network<Config, Inputs, TensorGroup<Value>>,
  target: GraphTarget,
  checkpoint: Checkpoint,
  config: Config,
  adapters?: Adapters,
): GraphModel {
  return drawNetwork(network, target, checkpoint, config, adapters).build();
}

/** A network drawn as a graph that may be built whole or in pieces; see `networkGraph`. */
export function drawNetwork<Config, Inputs extends TensorGroup<InputType>>(
  { inputs, build }: Network<Config, Inputs, TensorGroup<Value>>,
  target: GraphTarget,
  checkpoint: Checkpoint,
  config: Config,
  adapters?: Adapters,
): Graph {
  const graph = new Graph(target);
  const values = mapTensors(inputs(config, target), ({ dtype, shape, isExact }: InputType, name) =>
    dtype === 'float32' && !isExact ? graph.activation(name, shape) : graph.input(name, dtype, shape),
  );
  const outputs = build(graph, new ModuleWeights(graph, checkpoint, adapters), values, config);
  for (const [name, value] of Object.entries(byFullName(outputs))) graph.output(name, value);
  return graph;
}
