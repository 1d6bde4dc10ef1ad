import { create } from '@bufbuild/protobuf';
import { SymbolicDimension } from './dimension.ts';
import { type ElementType, onnxDataType } from './element-type.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx/onnx_pb.ts';
import type { TensorType } from './value.ts';
import type { StoredTensor } from './weights/safetensors.ts';

/** A node attribute: integers by default, floats marked as such. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: '' | 'com.microsoft';
  readonly dtype?: ElementType;
}

/** A node; an input left `undefined` is an optional one left out. */
export function nodeProto(
  type: string,
  inputs: readonly (TensorType | undefined)[],
  outputs: readonly string[],
  { attributes = {}, domain = '' }: NodeOptions = {},
): NodeProto {
  return create(NodeProtoSchema, {
    name: outputs[0] ?? type,
    opType: type,
    domain,
    input: inputs.map((value) => value?.name ?? ''),
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
  });
}

export function externalTensor(name: string, { file, offset, length, dtype, shape }: StoredTensor): TensorProto {
  // The runtime reads an external length of 0 as "to the end of the file".
  if (length === 0) return create(TensorProtoSchema, { name, dataType: onnxDataType(dtype), dims: shape.map(BigInt) });
  return create(TensorProtoSchema, {
    name,
    dataType: onnxDataType(dtype),
    dims: shape.map(BigInt),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      // Relative to the file system's root, which sessions declare as the folder of external data.
      { key: 'location', value: file.replace(/^\/+/, '') },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(length) },
    ],
  });
}

export function inlineTensor(
  name: string,
  values: readonly number[],
  shape: readonly number[],
  type: 'int64' | 'float32',
): TensorProto {
  const array = type === 'int64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
  return create(TensorProtoSchema, {
    name,
    dataType: onnxDataType(type),
    dims: shape.map(BigInt),
    rawData: new Uint8Array(array.buffer),
  });
}

export function valueInfo({ name, dtype, shape }: TensorType): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: onnxDataType(dtype),
          shape: {
            dim: shape.map((dimension) => ({
              value:
                dimension instanceof SymbolicDimension
                  ? { case: 'dimParam' as const, value: dimension.text }
                  : { case: 'dimValue' as const, value: BigInt(dimension) },
            })),
          },
        },
      },
    },
  });
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  const attribute = create(AttributeProtoSchema, { name });
  if (typeof value === 'number') {
    attribute.type = AttributeProto_AttributeType.INT;
    attribute.i = BigInt(value);
  } else if (typeof value === 'string') {
    attribute.type = AttributeProto_AttributeType.STRING;
    attribute.s = new TextEncoder().encode(value);
  } else if ('float' in value) {
    attribute.type = AttributeProto_AttributeType.FLOAT;
    attribute.f = value.float;
  } else {
    attribute.type = AttributeProto_AttributeType.INTS;
    attribute.ints = value.map(BigInt);
  }
  return attribute;
}
