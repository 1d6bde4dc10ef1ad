import { TensorProto_DataType } from './onnx/onnx_pb.ts';

/** Element types this project stores, computes in, or passes between host and graph. */
export type ElementType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float8e4m3'
  | 'float8e5m2'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'float64';

/** Types a network may compute in. */
export type ArithmeticType = 'float32' | 'float16' | 'bfloat16';

interface ElementTypeFacts {
  readonly bytes: number;
  readonly onnx: TensorProto_DataType;
  /** Spelling in a safetensors header. */
  readonly safetensors: string;
}

const facts: Record<ElementType, ElementTypeFacts> = {
  float32: { bytes: 4, onnx: TensorProto_DataType.FLOAT, safetensors: 'F32' },
  float16: { bytes: 2, onnx: TensorProto_DataType.FLOAT16, safetensors: 'F16' },
  bfloat16: { bytes: 2, onnx: TensorProto_DataType.BFLOAT16, safetensors: 'BF16' },
  float8e4m3: { bytes: 1, onnx: TensorProto_DataType.FLOAT8E4M3FN, safetensors: 'F8_E4M3' },
  float8e5m2: { bytes: 1, onnx: TensorProto_DataType.FLOAT8E5M2, safetensors: 'F8_E5M2' },
  int64: { bytes: 8, onnx: TensorProto_DataType.INT64, safetensors: 'I64' },
  int32: { bytes: 4, onnx: TensorProto_DataType.INT32, safetensors: 'I32' },
  int16: { bytes: 2, onnx: TensorProto_DataType.INT16, safetensors: 'I16' },
  int8: { bytes: 1, onnx: TensorProto_DataType.INT8, safetensors: 'I8' },
  uint8: { bytes: 1, onnx: TensorProto_DataType.UINT8, safetensors: 'U8' },
  bool: { bytes: 1, onnx: TensorProto_DataType.BOOL, safetensors: 'BOOL' },
  float64: { bytes: 8, onnx: TensorProto_DataType.DOUBLE, safetensors: 'F64' },
};

const bySafetensorsName = new Map(
  Object.entries(facts).map(([type, { safetensors }]) => [safetensors, type as ElementType]),
);

export function bytesPerElement(type: ElementType): number {
  return facts[type].bytes;
}

export function onnxDataType(type: ElementType): TensorProto_DataType {
  return facts[type].onnx;
}

export function safetensorsName(type: ElementType): string {
  return facts[type].safetensors;
}

export function elementTypeFromSafetensors(name: string): ElementType | undefined {
  return bySafetensorsName.get(name);
}

export function isFloat(type: ElementType): boolean {
  return type.startsWith('float') || type === 'bfloat16';
}
