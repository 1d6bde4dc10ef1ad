import { open } from 'node:fs/promises';
import { bytesPerElement, type ElementType, safetensorsName } from '../element-type.ts';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Little-endian bytes; asked for once, when their turn to be written comes. */
  bytes(): Uint8Array | Promise<Uint8Array>;
}

/** Writes a safetensors file tensor by tensor, so that a large file never has to be in memory. */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  let position = 0;
  const entries = tensors.map(({ name, dtype, shape }) => {
    const start = position;
    position += byteLength(dtype, shape);
    return [name, { dtype: safetensorsName(dtype), shape, data_offsets: [start, position] }];
  });
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const header = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ');
  text.copy(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await using handle = await open(path, 'w');
  await handle.writeFile(length);
  await handle.writeFile(header);
  for (const tensor of tensors) {
    const data = await tensor.bytes();
    const expected = byteLength(tensor.dtype, tensor.shape);
    if (data.length !== expected) throw new Error(`"${tensor.name}" takes ${expected} bytes, not ${data.length}`);
    await handle.writeFile(data);
  }
}

function byteLength(dtype: ElementType, shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, bytesPerElement(dtype));
}
