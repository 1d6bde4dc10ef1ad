import { addDimensions, type Dimension, formatShape, sameDimension } from './dimension.ts';
import type { ElementType } from './element-type.ts';
import type { Graph } from './graph.ts';

/** A tensor as it is declared. */
export interface TensorType {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly Dimension[];
}

/** A tensor inside a graph under construction. Operations are functions of values, and add to the graph of the first. */
export interface Value extends TensorType {
  readonly graph: Graph;
}

/** Sum along one axis; used by concatenation. */
export function sumOfAxis(values: readonly TensorType[], axis: number): Dimension {
  return addDimensions(...values.map((value) => value.shape[axis] ?? 0));
}

export function axisLength(value: TensorType, axis: number): Dimension {
  const length = value.shape.at(axis);
  if (length === undefined) throw new Error(`${value.name} ${formatShape(value.shape)} has no axis ${axis}`);
  return length;
}

/** A length that must be known when the graph is built, such as a channel count. */
export function knownLength(value: TensorType, axis: number): number {
  const length = axisLength(value, axis);
  if (typeof length !== 'number')
    throw new Error(`${value.name} ${formatShape(value.shape)}: axis ${axis} is not fixed`);
  return length;
}

/** NumPy's broadcasting; undefined when the shapes do not combine. */
export function broadcastShapes(
  left: readonly Dimension[],
  right: readonly Dimension[],
): readonly Dimension[] | undefined {
  const rank = Math.max(left.length, right.length);
  const shape: Dimension[] = [];
  for (let axis = 1; axis <= rank; axis++) {
    const a = left.at(-axis) ?? 1;
    const b = right.at(-axis) ?? 1;
    if (axis > left.length || a === 1) shape.unshift(b);
    else if (axis > right.length || b === 1 || sameDimension(a, b)) shape.unshift(a);
    else return undefined;
  }
  return shape;
}
