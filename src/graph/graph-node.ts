import type { NodeOptions } from './onnx-encoding.ts';
import type { Value } from './value.ts';

export interface GraphNode {
  readonly type: string;
  /** An input or output left `undefined` is an optional one left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly (Value | undefined)[];
  readonly options: NodeOptions;
}

export function inputsOf({ inputs }: GraphNode): readonly Value[] {
  return inputs.filter((value) => value !== undefined);
}

export function outputsOf({ outputs }: GraphNode): readonly Value[] {
  return outputs.filter((value) => value !== undefined);
}
