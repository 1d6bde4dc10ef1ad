import type { Dimension } from './dimension.ts';
import type { GraphTarget } from './graph-target.ts';
import type { TensorType } from './value.ts';
import type { StoredTensor } from './weights/safetensors.ts';

/** The input that says how many float32 elements the workspace has. Sessions feed it. */
export const workspaceInput = 'workspace';

/** A finished graph, ready for a session. */
export interface GraphModel {
  /** Serialized ModelProto. */
  readonly bytes: Uint8Array;
  readonly target: GraphTarget;
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  /** All weights, which are used in place. */
  readonly weights: readonly StoredTensor[];
  readonly weightElements: number;
  /** Floating point operations of one run's matrix products and convolutions, as a function of the symbolic sizes. */
  readonly flops: Dimension;
  /**
   * Elements of what its convolutions read or write, whichever is more, as functions of the symbolic sizes. The largest of
   * them bounds the memory of one run.
   */
  readonly activations: readonly Dimension[];
  /**
   * Bytes that a run should have its allocator take at the start, for what it computes to lie in; absent where allocators need no
   * such help.
   *
   * @throws Error if `sizes` lacks a symbol
   */
  readonly workspaceBytes?: ((sizes: ReadonlyMap<string, number>) => number) | undefined;
}
