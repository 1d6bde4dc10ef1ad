import type { ElementType } from '../element-type.ts';

interface ArrayTypes {
  readonly float32: Float32Array;
  readonly int64: BigInt64Array;
  readonly int32: Int32Array;
  readonly uint8: Uint8Array;
}

export type HostType = keyof ArrayTypes;

/** A tensor in JavaScript memory; row-major, last axis fastest. */
export interface HostTensor<Type extends HostType = HostType> {
  readonly dtype: Type;
  readonly shape: readonly number[];
  readonly data: ArrayTypes[Type];
}

export function isHostType(type: ElementType): type is HostType {
  return type === 'float32' || type === 'int64' || type === 'int32' || type === 'uint8';
}

export function floatTensor(data: Float32Array, shape: readonly number[]): HostTensor<'float32'> {
  return hostTensor('float32', data, shape);
}

export function indexTensor(indices: readonly number[]): HostTensor<'int64'> {
  return hostTensor('int64', BigInt64Array.from(indices, BigInt), [indices.length]);
}

export function integerTensor(values: readonly number[]): HostTensor<'int32'> {
  return hostTensor('int32', Int32Array.from(values), [values.length]);
}

export function hostTensor<Type extends HostType>(
  dtype: Type,
  data: ArrayTypes[Type],
  shape: readonly number[],
): HostTensor<Type> {
  const count = shape.reduce((product, length) => product * length, 1);
  if (count !== data.length) throw new Error(`${data.length} elements do not fill the shape [${shape}]`);
  return Object.freeze({ dtype, shape, data });
}
