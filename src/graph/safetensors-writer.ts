import { open } from 'node:fs/promises';
import { bytesPerElement, type ElementType, safetensorsName } from './element-type.ts';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Little-endian bytes; asked for once, when their turn to be written comes. */
  bytes(): Uint8Array;
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
    position += shape.reduce((product, length) => product * length, bytesPerElement(dtype));
    return [name, { dtype: safetensorsName(dtype), shape, data_offsets: [start, position] }];
  });
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await using handle = await open(path, 'w');
  await handle.writeFile(length);
  await handle.writeFile(header);
  for (const tensor of tensors) await handle.writeFile(tensor.bytes());
}
